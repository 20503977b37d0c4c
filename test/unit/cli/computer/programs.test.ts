import { expect, test } from 'vitest';
import { localPrograms } from '../../../../src/cli/computer/programs.ts';

const programs = localPrograms(process.env);
/** A script for a real shell. */
const sh = (script: string) => ['sh', '-c', script] as const;

async function timed<T>(work: Promise<T>): Promise<{ readonly result: T; readonly ms: number }> {
  const begin = Date.now();
  const result = await work;
  return { result, ms: Date.now() - begin };
}

test.each([0, 3])(
  'a program that ended with %i is not waited for because of what it left running',
  async (code) => {
    const { result, ms } = await timed(
      programs.run(sh(`echo out; echo err >&2; (sleep 20; echo late) & exit ${code}`)),
    );
    expect(result).toEqual({ stdout: 'out\n', stderr: 'err\n', exitCode: code, timedOut: false });
    expect(ms).toBeLessThan(5000);
  },
);

test('a time is kept also when the program has started others', async () => {
  const { result, ms } = await timed(programs.run(sh('echo out; sleep 20 & sleep 20'), { timeoutMs: 500 }));
  expect(result).toMatchObject({ stdout: 'out\n', timedOut: true, exitCode: undefined });
  expect(ms).toBeLessThan(5000);
});

test('all that a program has written is read, however much it is and however soon it ended', async () => {
  const { stdout, exitCode } = await programs.run(sh('head -c 9000000 /dev/zero | tr "\\\\0" x'));
  expect([stdout.length, exitCode]).toEqual([9_000_000, 0]);
});
