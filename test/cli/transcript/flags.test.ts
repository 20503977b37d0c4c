import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { globalFlags } from '../../../src/cli/args/globals.ts';
import type { CommandFlag } from '../../../src/cli/args/parse.ts';
import { flagsOf } from '../../../src/cli/command.ts';
import { commandEntries } from '../../../src/cli/commands/index.ts';
import { builtInDrivers } from '../../../src/drivers/registry.ts';
import { readCommandLine } from './command-line.ts';
import { readTranscripts } from './play.ts';

/** Commands whose flags are tried by tests that are no transcripts; the file is looked for. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  env: 'test/cli/switch/env.test.ts',
  gc: 'test/cli/amazonec2/amazonec2.test.ts',
  image: 'test/unit/images',
  quickstart: 'scripts/quickstart.mjs',
  mount: 'test/e2e/copies.test.ts',
  'regenerate-certs': 'test/e2e/engine/tls.test.ts',
  scp: 'test/cli/copies.test.ts',
  use: 'test/cli/switch/use.test.ts',
};

/** Drivers whose flags need no host to be tried. */
const DRIVERS = ['none', 'generic', 'virtualbox'];

const ROOT = join(import.meta.dirname, '../../..');
const folders = [join(import.meta.dirname, '../transcripts'), join(ROOT, 'test/e2e/transcripts')];

/** Every word of every transcript's command lines, those inside of `sh -c '...'` as well. */
const lines = folders
  .flatMap(readTranscripts)
  .flatMap(({ cases }) => cases.flatMap(({ actions }) => actions.map(({ command }) => command)))
  .map((command) => readCommandLine(command, (word) => word))
  .map(({ env, argv }) => ({ env: Object.keys(env), words: argv.flatMap((word) => word.split(/\s+/)) }));

function isGiven(flag: CommandFlag, verb: string | undefined): boolean {
  const names = [flag.name, ...(flag.short === undefined ? [] : [flag.short])];
  const shape = new RegExp(`^--?(?:${names.join('|')})(?:=|$)`);
  return lines.some(
    ({ words }) => (verb === undefined || words.includes(verb)) && words.some((word) => shape.test(word)),
  );
}

function missing(flags: readonly CommandFlag[], verb?: string): string[] {
  const shown = flags.filter((flag) => flag.hidden !== true);
  const notGiven = shown.filter((flag) => !isGiven(flag, verb)).map((flag) => `--${flag.name}`);
  const variables = shown.flatMap((flag) => (flag.env === undefined ? [] : [flag.env]));
  return [...notGiven, ...variables.filter((name) => !lines.some(({ env }) => env.includes(name)))];
}

test('each global option and its variable occurs in a transcript', () => {
  expect(missing(globalFlags)).toEqual([]);
});

test.each(commandEntries.filter(({ name }) => ELSEWHERE[name] === undefined))(
  'each flag of $name occurs in a transcript',
  async ({ name, load }) => {
    expect(missing(flagsOf((await load()).command), name)).toEqual([]);
  },
);

test.each(DRIVERS)('each flag of the driver %s and its variable occurs in a transcript', async (name) => {
  expect(missing((await builtInDrivers().load(name)).flags, 'create')).toEqual([]);
});

test('what is tried elsewhere is there', () => {
  for (const path of Object.values(ELSEWHERE)) expect(existsSync(join(ROOT, path)), path).toBe(true);
});
