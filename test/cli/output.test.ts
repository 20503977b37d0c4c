import { execFileSync, spawn } from 'node:child_process';
import { constants, existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROGRAM, Sandbox } from './program.ts';

describe('what is printed', () => {
  let user: Sandbox;
  /** More than a pipe holds. */
  let record: string;
  beforeAll(async () => {
    user = await Sandbox.make();
    const labels = Array.from({ length: 2000 }, (_, at) => ['--engine-label', `k${at}=${'x'.repeat(60)}`]);
    const made = await user.run([
      'create',
      '-d',
      'none',
      '--url',
      'tcp://192.0.2.1:2376',
      ...labels.flat(),
      'h1',
    ]);
    expect(made).toMatchObject({ code: 0 });
    record = (await user.run(['inspect', 'h1'])).stdout;
    expect(record.length).toBeGreaterThan(150_000);
  });
  afterAll(() => user.remove());

  const shell = (script: string) => user.exec(['sh', '-c', script], { env: { P: PROGRAM } });

  it('arrives whole at a reader that takes its time', async () => {
    const { stdout } = await shell('"$P" inspect h1 | { sleep 0.5; cat; }');
    expect(stdout).toBe(record);
  });

  it('arrives whole through a pipe that refuses what it cannot hold', async () => {
    const fifo = join(user.home, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const pipe = await open(fifo, constants.O_RDWR | constants.O_NONBLOCK);
    const child = spawn(PROGRAM, ['inspect', 'h1'], {
      env: user.environment(),
      stdio: ['ignore', pipe.fd, 'inherit'],
    });
    const code = new Promise((resolve) => child.on('close', resolve));
    let text = '';
    while (text.length < record.length) {
      const { buffer, bytesRead } = await pipe.read(Buffer.alloc(4096)).catch(async (error) => {
        expect(error.code).toBe('EAGAIN');
        await new Promise((resolve) => setTimeout(resolve, 10));
        return { buffer: Buffer.alloc(0), bytesRead: 0 };
      });
      text += buffer.toString('utf8', 0, bytesRead);
    }
    expect(text).toBe(record);
    expect(await code).toBe(0);
    await pipe.close();
  });

  it('ends as any other program does when its reader has seen enough', async () => {
    const { stdout, stderr } = await shell('{ "$P" inspect h1; echo "ended with $?" >&2; } | head -c 10');
    expect([stdout.length, stderr]).toEqual([10, 'ended with 141\n']);
  });

  it('that nobody reads cuts no work off', async () => {
    const none = '-d none --url tcp://192.0.2.1:2376';
    // The reader goes before there is anything to read.
    const { stderr } = await shell(
      `mkfifo go; { read _ <go; "$P" create ${none} h2; echo "ended with $?" >&2; } | { exec <&-; echo >go; }`,
    );
    expect(stderr).toBe('ended with 141\n');
    const full = existsSync('/dev/full') ? await shell(`"$P" create ${none} h3 >/dev/full`) : undefined;
    if (full !== undefined) expect(full).toMatchObject({ code: 1 });
    for (const name of full === undefined ? ['h2'] : ['h2', 'h3'])
      expect(await user.run(['status', '--json', name])).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('"phase": "ready"'),
      });
  });

  it.runIf(existsSync('/dev/full'))('of a question that was lost is taken for no answer', async () => {
    const { code, stderr } = await shell('echo y | "$P" rm h1 >/dev/full');
    for (const id of ['MM_NO_ANSWER', 'MM_OUTPUT']) expect(stderr).toContain(`Error id: ${id}`);
    expect(code).toBe(1);
    expect(await user.run(['url', 'h1'])).toMatchObject({ code: 0 });
  });

  it.runIf(existsSync('/dev/full'))('is a failure in a few lines where the disk is full', async () => {
    for (const words of ['url h1', 'inspect h1', '--help']) {
      const { code, stderr } = await shell(`"$P" ${words} >/dev/full`);
      expect(stderr, words).toMatch(
        /^Cannot write the output: .*no space left.*\nHint: .*\nError id: MM_OUTPUT\n$/i,
      );
      expect(code, words).toBe(1);
    }
  });

  it('is a failure in a few lines where a file becomes too big', async () => {
    const { code, stderr } = await shell('ulimit -f 100; trap "" XFSZ; "$P" inspect h1 >big');
    expect(stderr).toMatch(/^Cannot write the output: .*\nHint: .*\nError id: MM_OUTPUT\n$/);
    expect(code).toBe(1);
  });

  it.runIf(existsSync('/dev/full'))('on stderr changes nothing when it cannot be written', async () => {
    const { code, stdout } = await shell('"$P" url nobody 2>/dev/full');
    expect([code, stdout]).toEqual([1, '']);
  });
});
