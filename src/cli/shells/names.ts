import { cmd, elvish, emacs, fish, nushell, posix, powershell, type ShellSyntax, tcsh } from './syntaxes.ts';

const syntaxes = {
  bash: posix,
  zsh: posix,
  sh: posix,
  fish,
  powershell,
  cmd,
  tcsh,
  emacs,
  nushell,
  elvish,
} as const satisfies Readonly<Record<string, ShellSyntax>>;

export type ShellName = keyof typeof syntaxes;

/** The shells `--shell` offers. */
export const shellNames = Object.keys(syntaxes) as readonly ShellName[];

/** What their processes are called besides. */
const aliases: Readonly<Record<string, ShellName>> = {
  pwsh: 'powershell',
  powershell_ise: 'powershell',
  csh: 'tcsh',
  nu: 'nushell',
  dash: 'sh',
  ash: 'sh',
  busybox: 'sh',
  ksh: 'sh',
  ksh93: 'sh',
  mksh: 'sh',
  oksh: 'sh',
  yash: 'sh',
};

/** The shell behind a name, a path or a login shell's `-zsh`; undefined when it is none we know. */
export function shellNamed(text: string): ShellName | undefined {
  const base = text
    .trim()
    .replace(/^.*[\\/]/, '')
    .replace(/^-/, '')
    .replace(/\.exe$/i, '')
    .toLowerCase();
  if (Object.hasOwn(aliases, base)) return aliases[base];
  return shellNames.find((name) => name === base);
}

/** A shell that nobody knows most likely speaks sh, as docker-machine assumed. */
export function syntaxOf(shell: string): ShellSyntax {
  return syntaxes[shellNamed(shell) ?? 'sh'];
}
