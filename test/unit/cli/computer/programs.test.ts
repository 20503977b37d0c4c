import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { localPrograms } from '../../../../src/cli/computer/programs.ts';

const programs = localPrograms(process.env);
/** A script for a real shell. */
const sh = (script: string) => ['sh', '-c', script] as const;

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mm-programs-'));
});
/** Lets what waits for this file go on. */
const release = () => writeFile(join(folder, 'go'), '');
afterEach(async () => {
  await release();
});
/** Goes on for as long as the test does. */
const waiting = () => `until [ -e ${folder}/go ]; do sleep 0.1; done`;

test.each([0, 3])(
  'a program that ended with %i is not waited for because of what it left running',
  async (code) => {
    const result = await programs.run(sh(`echo out; echo err >&2; (${waiting()}; echo late) & exit ${code}`));
    expect(result).toEqual({ stdout: 'out\n', stderr: 'err\n', exitCode: code, timedOut: false });
  },
);

test('a time is kept also when the program has started others', async () => {
  const script = `echo out; (${waiting()}) & ${waiting()}`;
  const result = await programs.run(sh(script), { timeoutMs: 2000 });
  expect(result).toMatchObject({ stdout: 'out\n', timedOut: true, exitCode: undefined });
});

test('all that a program has written is read, however much it is and however soon it ended', async () => {
  const { stdout, exitCode } = await programs.run(sh('head -c 9000000 /dev/zero | tr "\\\\0" x'));
  expect([stdout.length, exitCode]).toEqual([9_000_000, 0]);
});
