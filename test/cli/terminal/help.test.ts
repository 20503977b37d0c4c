import { existsSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandEntries } from '../../../src/cli/commands/index.ts';
import { builtInDrivers } from '../../../src/drivers/registry.ts';
import { PROGRAM, Sandbox } from '../program.ts';
import { onPty, SCRIPT } from './pty.ts';

let user: Sandbox;

beforeAll(async () => {
  user = await Sandbox.make();
});

afterAll(() => user.remove());

/** Every help that there is. */
const HELPS = [
  '--help',
  ...commandEntries.map(({ name }) => `${name} --help`),
  ...builtInDrivers().names.map((driver) => `create -d ${driver} --help`),
];

const MARK = '=====';
const ALL = HELPS.map((words) => `"$P" ${words}; echo ${MARK}`).join('\n');

const split = (text: string) => text.replaceAll('\r', '').split(`${MARK}\n`).slice(0, -1);

/** A command of the examples goes on behind a backslash. */
const words = (help = '') => help.split(/\s+/).filter((word) => word !== '\\');

const onTerminal = async (columns: number) => split((await onPty(user, ALL, { columns })).shown);

function expectWithin(helps: readonly string[], columns: number): void {
  expect(helps).toHaveLength(HELPS.length);
  for (const [at, help] of helps.entries()) {
    expect(help.length, HELPS[at]).toBeGreaterThan(100);
    for (const line of help.split('\n')) {
      const isOneWord = words(line.trim()).length === 1;
      if (!isOneWord) expect(line.length, `${HELPS[at]}: ${line}`).toBeLessThanOrEqual(columns);
    }
  }
}

describe.runIf(existsSync(SCRIPT))('every help, of commands and drivers', () => {
  let unwrapped: readonly string[];
  beforeAll(async () => {
    unwrapped = await onTerminal(2000);
  }, 120_000);

  function expectWrapped(helps: readonly string[], columns: number): void {
    expectWithin(helps, columns);
    for (const [at, help] of helps.entries()) expect(words(help), HELPS[at]).toEqual(words(unwrapped[at]));
  }

  test('is wrapped at 80 columns on a pipe, and loses no word', async () => {
    const { stdout } = await user.exec(['sh', '-c', ALL], { env: { P: PROGRAM } });
    expectWrapped(split(stdout), 80);
  }, 120_000);

  test.each([40, 60, 100, 200])(
    'fits a terminal of %i columns, and loses no word',
    async (columns) => expectWrapped(await onTerminal(columns), columns),
    120_000,
  );

  test('is never narrower than 40 columns, and has 80 where a terminal does not tell its width', async () => {
    const help = async (columns: number) => (await onPty(user, '"$P" ls --help', { columns })).shown;
    expect(await help(20)).toBe(await help(40));
    expect(await help(0)).toBe(await help(80));
  });

  test('is wrapped for stderr, too, where it follows a wrong option', async () => {
    const wrong = async (columns: number) => (await onPty(user, '"$P" ls --nope', { columns })).shown;
    expect(await wrong(60)).toContain((await onPty(user, '"$P" ls --help', { columns: 60 })).shown);
    expect((await user.run(['ls', '--nope'])).stderr).toContain((await user.run(['ls', '--help'])).stdout);
  });
});

test('under the name docker-machine a pipe gets each option on one line, as its callers read it', async () => {
  const link = join(user.home, 'docker-machine');
  await symlink(PROGRAM, link);
  const { stdout } = await user.exec([link, 'create', '-d', 'generic', '--help']);
  const options = stdout.slice(stdout.indexOf('Options:\n')).trimEnd().split('\n').slice(1);
  expect(options.length).toBeGreaterThan(25);
  for (const line of options) expect(line).toMatch(/^ {3}--\S+.* {3}\S/);
});
