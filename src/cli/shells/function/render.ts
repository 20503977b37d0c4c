import { printable } from '../../../base/printable.ts';
import { shellsError } from '../errors.ts';
import { type ShellName, shellNamed } from '../names.ts';
import { tcsh } from '../syntaxes.ts';
import { fishFunction } from './fish.ts';
import { posixFunction } from './posix.ts';
import { powershellFunction } from './powershell.ts';
import { type FunctionWish, identifier } from './wish.ts';

interface FunctionShell {
  readonly text: (wish: FunctionWish) => readonly string[];
  /** The line that loads what `argv` prints. */
  readonly load: (argv: string) => string;
  /** The file of the user's that it belongs into. */
  readonly profile: string;
}

const posixLoad = (argv: string) => `eval "$(${argv})"`;

const shells: Partial<Readonly<Record<ShellName, FunctionShell>>> = {
  bash: { text: (wish) => posixFunction('bash', wish), load: posixLoad, profile: '~/.bashrc' },
  zsh: { text: (wish) => posixFunction('zsh', wish), load: posixLoad, profile: '~/.zshrc' },
  sh: { text: (wish) => posixFunction('sh', wish), load: posixLoad, profile: '~/.profile' },
  fish: { text: fishFunction, load: (argv) => `${argv} | source`, profile: '~/.config/fish/config.fish' },
  powershell: {
    text: powershellFunction,
    load: (argv) => `& ${argv} | Out-String | Invoke-Expression`,
    profile: '$PROFILE',
  },
  tcsh: { text: tcshFunction, load: (argv) => `eval "\`${argv}\`"`, profile: '~/.tcshrc' },
};

/** The shells that a function can be had for. */
export const functionShells = Object.keys(shells) as readonly ShellName[];

function find(shell: string): readonly [name: ShellName, shell: FunctionShell] {
  const name = shellNamed(shell);
  const found = name === undefined ? undefined : shells[name];
  if (name !== undefined && found !== undefined) return [name, found];
  throw shellsError('MM_SHELL_FUNCTION', {
    message: `There is no function for the shell ${printable(shell, 60)}`,
    hint: `There is one for ${functionShells.join(', ')}; everywhere else evaluate what "env NAME" prints.`,
  });
}

/**
 * What loads the function in that shell, as a line to type, and the file where it is typed for
 * good. MM_SHELL_FUNCTION where there is none.
 */
export function loadingLine(
  shell: string,
  program: string,
): { readonly line: string; readonly profile: string } {
  const [name, { load, profile }] = find(shell);
  return { line: load(`${program} shell-init ${name}`), profile };
}

/**
 * The function with `use` in it, and one for the prompt, in the shell's language.
 * MM_SHELL_FUNCTION where there is none.
 */
export function renderFunction(shell: string, wish: FunctionWish): string {
  const [, { text }] = find(shell);
  return text(wish)
    .map((line) => `${line}\n`)
    .join('');
}

/**
 * tcsh has no functions, and an alias takes one line in which `if` cannot stand around what may
 * fail: so the number of the line to run is reckoned. It always asks the program.
 */
export function tcshFunction(wish: FunctionWish): readonly string[] {
  const id = identifier(wish.name);
  const program = wish.argv.map((word) => tcsh.quote(word)).join(' ');
  const steps = [
    `${program} $${id}_argv:q`,
    `eval \`${program} env --shell tcsh $${id}_argv[2-]:q\``,
    program,
  ];
  const alias = [
    `set ${id}_argv = (\\!*)`,
    `set ${id}_first = (\\!* "")`,
    `@ ${id}_step = 1 + ("$${id}_first[1]:q" == use) + 2 * ($#${id}_argv == 0)`,
    `eval "$${id}_steps[$${id}_step]:q"`,
  ].join('; ');
  return [`set ${id}_steps = (${steps.map(tcsh.quote).join(' ')});`, `alias ${wish.name} '${alias}';`];
}
