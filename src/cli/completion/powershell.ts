import {
  COMPLETED_PROGRAMS,
  type CompletionTable,
  MACHINE_NAME_PATTERN,
  type OptionTable,
  type Place,
} from './table.ts';

const quote = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** `@machine`, or the words with what is said about them. */
const place = (value: Place): string =>
  typeof value === 'string'
    ? `'@${value}'`
    : `@(${value.map(({ word, about }) => quote(about === '' ? word : `${word}|${about}`)).join(', ')})`;

/** One option: its names, what it does, and what its value can be ($null for none). */
const option = ({ dashed, about, value }: OptionTable) =>
  `[pscustomobject]@{ Names = @(${dashed.map(quote).join(', ')}); About = ${quote(about)}; Value = ${
    value === undefined ? '$null' : place(value)
  } }`;

const table = (options: readonly OptionTable[], indent: string) =>
  `@(\n${options.map((each) => `${indent}    ${option(each)}`).join('\n')}\n${indent})`;

/** For Windows PowerShell 5 and PowerShell 7. Nothing typed is ever evaluated. */
export function powershellCompletion({ globals, commands, drivers, stopping }: CompletionTable): string {
  return `# PowerShell completion for mymachine. Made by "mymachine completion powershell".

Register-ArgumentCompleter -Native -CommandName ${COMPLETED_PROGRAMS.map(quote).join(', ')} -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $globals = ${table(globals, '    ')}
    $drivers = @{
${drivers.map(({ name, options }) => `        ${quote(name)} = ${table(options, '        ')}`).join('\n')}
    }
    $commands = [ordered]@{
${commands
  .map(
    (command) => `        ${quote(command.name)} = [pscustomobject]@{
            About = ${quote(command.about)}
            Options = ${table(command.options, '            ')}
            Places = @(${command.places.map((each) => `@{ Takes = ${place(each)} }`).join(', ')})
            Repeats = $${command.repeats}; HasDriverOptions = $${command.hasDriverOptions}
        }`,
  )
  .join('\n')}
    }
    $aliases = @{ ${commands
      .flatMap(({ name, aliases }) => aliases.map((alias) => `${quote(alias)} = ${quote(name)}`))
      .join('; ')} }
    $stops = @(${stopping.map(quote).join(', ')})

    # The words before the one at the cursor.
    $words = @(foreach ($element in $commandAst.CommandElements) {
        if ($element.Extent.EndOffset -ge $cursorPosition -and $element.Extent.StartOffset -lt $cursorPosition) { continue }
        if ($element.Extent.StartOffset -ge $cursorPosition) { continue }
        if ($element -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $element.Value }
        else { $element.Extent.Text }
    })

    $command = ''; $arguments = @(); $pending = $null; $ended = $false
    $driver = $env:MACHINE_DRIVER
    $store = $env:MACHINE_STORAGE_PATH
    function OptionsNow {
        if ($command -eq '') { return $globals }
        if (-not $commands.Contains($command)) { return @() }
        $found = @($commands[$command].Options)
        if ($commands[$command].HasDriverOptions) {
            foreach ($name in @($drivers.Keys)) { if (-not $driver -or $driver -eq $name) { $found += $drivers[$name] } }
        }
        $found
    }
    function FindOption($name) {
        foreach ($each in @(OptionsNow) + $globals) {
            foreach ($known in $each.Names) { if ($known.TrimStart('-') -ceq $name) { return $each } }
        }
    }
    for ($index = 1; $index -lt $words.Count; $index++) {
        $word = [string]$words[$index]
        if (-not $ended -and $word -eq '--') { $ended = $true }
        elseif (-not $ended -and $word -match '^--?([^-=][^=]*)(=(.*))?$') {
            $name = $Matches[1]; $value = $Matches[3]; $inline = $null -ne $Matches[2]
            $found = FindOption $name
            if ($null -eq $found -or $null -eq $found.Value) { continue }
            if (-not $inline) {
                $index++
                if ($index -ge $words.Count) { $pending = $found; break }
                $value = [string]$words[$index]
            }
            if ($found.Names -contains '--driver') { $driver = $value }
            if ($found.Names -contains '--storage-path') { $store = $value -replace '^~(?=[/\\\\])', $HOME.Replace('$', '$$') }
        }
        elseif ($command -eq '') {
            $command = if ($aliases.ContainsKey($word)) { $aliases[$word] } else { $word }
            $ended = $false
        }
        else {
            $arguments += $word
            if ($stops -contains $command) { $ended = $true }
        }
    }
    if (-not $store) { $store = Join-Path (Join-Path $HOME '.docker') 'machine' }

    function Reply($text, $about, $kind = 'ParameterValue') {
        if (-not $about) { $about = $text }
        [System.Management.Automation.CompletionResult]::new($text, $text, $kind, $about)
    }
    # Machines by their folders; a folder that no machine can be called is passed over.
    function Machines {
        $folder = Join-Path $store 'machines'
        if (-not (Test-Path -LiteralPath $folder)) { return }
        foreach ($each in Get-ChildItem -LiteralPath $folder -Directory) {
            if ($each.Name -cmatch '${MACHINE_NAME_PATTERN}' -and $each.Name -notmatch '\\n') { $each.Name }
        }
    }
    function Files($typed, $onlyFolders) {
        foreach ($each in [System.Management.Automation.CompletionCompleters]::CompleteFilename($typed)) {
            if (-not $onlyFolders -or $each.ResultType -eq 'ProviderContainer') { $each }
        }
    }
    function Place($takes, $typed, $before) {
        $begins = { param($text) $text.StartsWith($typed, [System.StringComparison]::OrdinalIgnoreCase) }
        switch ($takes) {
            '@nothing' { return }
            '@file' { return Files $typed $false }
            '@folder' { return Files $typed $true }
            '@machine' {
                foreach ($name in Machines) {
                    if ((& $begins $name) -and $arguments -notcontains $name) { Reply "$before$name" $name }
                }
                return
            }
            '@copy-path' {
                $user = if ($typed -match '^[^@:/\\\\]+@') { $Matches[0] } else { '' }
                foreach ($name in Machines) {
                    if (& $begins "$user\${name}:") { Reply "$user\${name}:" $name }
                }
                if ($typed -notmatch '[:@]') { Files $typed $false }
                return
            }
        }
        foreach ($each in $takes) {
            $text, $about = $each -split '\\|', 2
            if (& $begins $text) { Reply "$before$text" $about }
        }
    }

    if ($null -eq $pending -and -not $ended -and $wordToComplete -match '^--?([^-=][^=]*)=(.*)$') {
        $typed = $Matches[2]
        $found = FindOption $Matches[1]
        if ($null -ne $found -and $null -ne $found.Value) {
            Place $found.Value $typed $wordToComplete.Substring(0, $wordToComplete.Length - $typed.Length)
        }
    }
    elseif ($null -ne $pending) { Place $pending.Value $wordToComplete '' }
    elseif (-not $ended -and $wordToComplete.StartsWith('-')) {
        foreach ($each in OptionsNow) {
            foreach ($name in $each.Names) {
                if ($name.StartsWith($wordToComplete)) { Reply $name $each.About 'ParameterName' }
            }
        }
    }
    elseif ($command -eq '') {
        foreach ($name in $commands.Keys) {
            if ($name.StartsWith($wordToComplete)) { Reply $name $commands[$name].About }
        }
    }
    elseif ($commands.Contains($command)) {
        $places = @($commands[$command].Places)
        $at = $arguments.Count
        if ($commands[$command].Repeats -and $at -ge $places.Count) { $at = $places.Count - 1 }
        if ($at -ge 0 -and $at -lt $places.Count) { Place $places[$at].Takes $wordToComplete '' }
    }
}
`;
}
