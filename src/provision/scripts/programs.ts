import { printable } from '../../base/printable.ts';
import aptLibrary from './apt-library.sh';
import commit from './commit.sh';
import engineLibrary from './engine-library.sh';
import factsLibrary from './facts-library.sh';
import install from './install.sh';
import library from './library.sh';
import mounts from './mounts.sh';
import rehearse from './rehearse.sh';
import undoLibrary from './undo-library.sh';
import uninstall from './uninstall.sh';
import upgrade from './upgrade.sh';

// The programs that hosts are sent. The texts are constant: what varies comes on stdin.

export const factsProgram = `${library}${factsLibrary}facts\n`;
/** The same, after waiting for a change that was left to the host alone. */
export const settledFactsProgram = `${library}${factsLibrary}settle\nfacts\n`;
export const installProgram = `${library}${undoLibrary}${aptLibrary}${factsLibrary}${install}`;
export const commitProgram = `${library}${undoLibrary}${engineLibrary}${commit}`;
/** Reads alone. */
export const rehearseProgram = `${library}${rehearse}`;
export const upgradeProgram = `${library}${aptLibrary}${engineLibrary}${upgrade}`;
export const mountsProgram = `${library}${mounts}`;
export const uninstallProgram = `${library}${undoLibrary}${aptLibrary}${uninstall}`;

/** What a program is told: a name, and a value where the name wants one. */
export type Instruction = readonly [name: string, value?: string];

/**
 * A program's stdin: a line for each instruction, its value in base64, and a last line `end`.
 * library.sh reads it. A program that does not meet the last line does nothing.
 */
export function instructionText(instructions: readonly Instruction[]): string {
  const lines = instructions.map(
    ([name, value = '']) => `${name} ${Buffer.from(value).toString('base64')}\n`,
  );
  return `${lines.join('')}end\n`;
}

/** What a program answers: lines of a name and a value. Foreign text, bounded by the session. */
export interface Answers {
  has(name: string): boolean;
  all(name: string): readonly string[];
  /** The first value of that name; '' for none. */
  one(name: string): string;
  /** The same, fit for a message. */
  shown(name: string): string;
  /** The same, out of base64. */
  text(name: string): string;
}

/** Reads what `fact` and `fact64` in library.sh wrote. Lines of other kinds are passed over. */
export function readAnswers(output: string): Answers {
  const values = new Map<string, string[]>();
  for (const line of output.split('\n')) {
    const [, name, value = ''] = /^([a-z][a-z0-9-]*) (.*)$/s.exec(line) ?? [];
    if (name === undefined) continue;
    const known = values.get(name);
    if (known === undefined) values.set(name, [value.trim()]);
    else known.push(value.trim());
  }
  const one = (name: string) => values.get(name)?.[0] ?? '';
  return {
    has: (name) => values.has(name),
    all: (name) => values.get(name) ?? [],
    one,
    shown: (name) => printable(one(name), 200),
    text: (name) => decoded(one(name)).toString('utf8'),
  };
}

/** Empty for what is not base64 from end to end. */
export function decoded(base64: string): Buffer {
  const isWhole = base64.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(base64);
  return Buffer.from(isWhole ? base64 : '', 'base64');
}
