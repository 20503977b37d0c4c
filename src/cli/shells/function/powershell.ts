import { powershell } from '../syntaxes.ts';
import { type FunctionWish, identifier, switchVariables, tlsVariables } from './wish.ts';

/**
 * The functions for Windows PowerShell 5.1 and PowerShell 7.
 * With the address on disk nothing else is started.
 */
export function powershellFunction(wish: FunctionWish): readonly string[] {
  const id = identifier(wish.name);
  const [program = wish.name, ...options] = wish.argv.map((word) => powershell.quote(word));
  const call =
    `& (Get-Command -CommandType Application -TotalCount 1 -Name ${program}) ${options.join(' ')}`.trimEnd();
  const root =
    wish.store === undefined
      ? "if ($Env:MACHINE_STORAGE_PATH) { $Env:MACHINE_STORAGE_PATH } else { [IO.Path]::Combine($HOME, '.docker', 'machine') }"
      : powershell.quote(wish.store);
  const paths = (names: readonly string[]) => names.map((name) => `Env:\\${name}`).join(', ');
  return [
    `function ${wish.name} {`,
    "  if ($args.Count -gt 0 -and $args[0] -ceq 'use') {",
    '    $rest = @($args | Select-Object -Skip 1)',
    "    if ($rest.Count -eq 1 -and $rest[0] -cin '-u', '-unset', '--unset') {",
    `      Remove-Item ${paths(switchVariables)} -ErrorAction Ignore`,
    '      return',
    '    }',
    `    if ($rest.Count -gt 0 -and $rest[0] -cin '-h', '-help', '--help') { ${call} use --help; return }`,
    "    $names = @($rest | Where-Object { $_ -cnotin '-fast', '--fast' })",
    "    if ($names.Count -eq 0) { $names = @('default') }",
    "    if ($names.Count -eq 1 -and $names[0] -cmatch '^[A-Za-z0-9][A-Za-z0-9.-]*$') {",
    `      $root = ${root}`,
    '      $root = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($root)',
    "      $folder = [IO.Path]::Combine($root, 'machines', $names[0])",
    "      $file = [IO.Path]::Combine($folder, 'engine-url')",
    '      if (Test-Path -LiteralPath $file) {',
    '        $Env:DOCKER_HOST = [IO.File]::ReadAllText($file).Trim()',
    "        if ($Env:DOCKER_HOST -clike 'ssh://*') {",
    `          Remove-Item ${paths(tlsVariables)} -ErrorAction Ignore`,
    '        } else {',
    '          $Env:DOCKER_TLS_VERIFY = "1"',
    '          $Env:DOCKER_CERT_PATH = $folder',
    '        }',
    '        $Env:DOCKER_MACHINE_NAME = $names[0]',
    "        if ($Env:OS -eq 'Windows_NT') { $Env:COMPOSE_CONVERT_WINDOWS_PATHS = 'true' }",
    '        return',
    '      }',
    '    }',
    `    $text = ${call} env --shell powershell @rest`,
    '    if ($LASTEXITCODE -eq 0) { $text | Invoke-Expression }',
    `  } elseif ($MyInvocation.ExpectingInput) { $input | ${call} @args } else { ${call} @args }`,
    '}',
    `function ${id}_ps1($format = ' [{0}]') { if ($Env:DOCKER_MACHINE_NAME) { $format -f $Env:DOCKER_MACHINE_NAME } }`,
  ];
}
