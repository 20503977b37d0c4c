import type { ArgumentTakes, Command } from '../command.ts';

export interface ArgumentsReference {
  /** What each argument can be, in their order. */
  readonly each: readonly ArgumentTakes[];
  /** Whether the last of them may stand again and again. */
  readonly repeats: boolean;
}

/** What a word of a usage line stands for: `name`, `[user@]machine:]path`, `mountpoint`. */
function meaning(word: string): ArgumentTakes {
  const bare = word.replace(/[[\].]/g, '').toLowerCase();
  if (bare.includes('machine:') && bare.endsWith('path')) return 'copy-path';
  if (bare === 'name' || bare === 'machine') return 'machine';
  if (bare === 'mountpoint') return 'folder';
  return bare === 'file' || bare === 'path' ? 'file' : 'nothing';
}

/** What the arguments of a command are: as it says, else as its usage line can be read. */
export function argumentsOf(command: Pick<Command, 'argument' | 'takes'>): ArgumentsReference {
  const words = command.argument.split(' ').filter((word) => word !== '');
  const repeats = words.at(-1)?.includes('...') ?? false;
  return { each: command.takes ?? words.map(meaning), repeats };
}
