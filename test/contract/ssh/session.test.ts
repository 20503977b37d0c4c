import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SessionConnector } from '../../../src/ssh/session/connector.ts';
import type { Session } from '../../../src/ssh/session/session.ts';
import { testConnector } from './ports.ts';
import { removeSshd, type Sshd, startSshd } from './sshd.ts';
import { needsSshd } from './without.ts';

// ssh2 has no algorithm in common with the second, so the system's ssh is the transport.
describe.runIf(needsSshd).each([
  { by: 'ssh2', settings: [] },
  { by: "the system's ssh", settings: ['KexAlgorithms sntrup761x25519-sha512@openssh.com'] },
])('a session with a real sshd by $by', ({ settings }) => {
  let sshd: Sshd;
  let connector: SessionConnector;
  let session: Session;

  beforeAll(async () => {
    sshd = await startSshd(settings);
    connector = testConnector(sshd.dir);
    session = await connector.session(sshd.target());
  });
  afterAll(async () => {
    connector?.closeAll();
    await removeSshd(sshd);
  });

  test('keeps stdout and stderr apart and tells the exit status', async () => {
    const ran = await session.exec(['sh', '-c', 'echo out; echo err >&2; exit 42']);
    expect(ran).toEqual({ stdout: 'out\n', stderr: 'err\n', exitCode: 42, signalName: undefined });
  });

  test('tells the signal that ended a command', async () => {
    const ran = await session.exec(['sh', '-c', 'kill -USR1 $$']);
    expect(ran).toMatchObject({ exitCode: undefined, signalName: 'USR1' });
  });

  test('hands input to the command, every byte, and closes it', async () => {
    const input = Buffer.alloc(300_000, Buffer.from(Array.from({ length: 256 }, (_, index) => index)));
    const ran = await session.exec(['sh', '-c', 'sha256sum; wc -c'], { input });
    const { createHash } = await import('node:crypto');
    expect(ran.stdout).toBe(`${createHash('sha256').update(input).digest('hex')}  -\n0\n`);
    expect((await session.exec(['cat'])).stdout).toBe('');
  });

  test('is no error when the command does not read its input', async () => {
    const ran = await session.exec(['sh', '-c', 'exec 0<&-; exit 3'], { input: Buffer.alloc(5_000_000) });
    expect(ran.exitCode).toBe(3);
  });

  test('gives UTF-8 whole, however it is cut into packets', async () => {
    const text = 'äöü€😀'.repeat(40_000);
    const seen: string[] = [];
    const ran = await session.exec(['sh', '-c', 'tee /dev/stderr'], {
      input: text,
      onStderr: (piece) => seen.push(piece),
    });
    expect(ran.stdout).toBe(text);
    expect(seen.join('')).toBe(text);
  });

  test('brings every argument to the command unchanged', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 30 }).map((value) => value.replaceAll('\0', ''));
    const nasty = fc.constantFrom(
      '',
      ' ',
      "'",
      '"',
      '\\',
      '\n',
      '$(id)',
      '`id`',
      '!!',
      '*',
      '~',
      '-n',
      '#',
      ';',
      'a=b',
      '{a,b}',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(text, nasty), { maxLength: 8 }), async (args) => {
        const ran = await session.exec(['sh', '-c', `printf '%s\\0' "$@"`, 'sh', ...args, 'end']);
        expect(ran.stdout).toBe([...args, 'end', ''].join('\0'));
      }),
      { numRuns: 60 },
    );
  });

  test.each(['tcsh', 'fish', 'ksh', 'zsh'].filter((shell) => existsSync(`/usr/bin/${shell}`)))(
    'works also for a user whose login shell is %s',
    async (shell) => {
      const other = await startSshd([
        ...settings,
        `ForceCommand exec /usr/bin/${shell} -c "$SSH_ORIGINAL_COMMAND"`,
      ]);
      try {
        const inShell = await connector.session(other.target());
        const words = [
          'two\nlines\n',
          "it's",
          'a\\b\\',
          'wow!',
          '!!',
          '$HOME `id`',
          'é😀',
          '',
          '~',
          '{a,b}',
          '*',
        ];
        const ran = await inShell.exec(['sh', '-c', `printf '%s\\0' "$@"\ncat\nexit 3`, 'sh', ...words], {
          input: 'in',
        });
        expect(ran).toMatchObject({ stdout: [...words, 'in'].join('\0'), stderr: '', exitCode: 3 });
        const path = join(other.dir, 'file\nname!');
        await inShell.writeFile(path, 'content', 0o600);
        expect(await readFile(path, 'utf8')).toBe('content');
        const mark = `986${process.pid}`;
        await expect(inShell.exec(['sleep', mark], { timeoutMs: 200 })).rejects.toMatchObject({
          code: 'MM_SSH_TIMEOUT',
        });
        const left = await inShell.exec(['sh', '-c', `ps -eo args | grep "^sleep ${mark}" || true`]);
        expect(left.stdout).toBe('');
        const long = ['sh', '-c', 'printf %s "$1" | wc -c', 'sh', 'x\n'.repeat(10_000)] as const;
        expect((await inShell.exec(long)).stdout.trim()).toBe('20000');
      } finally {
        await removeSshd(other);
      }
    },
  );

  test('ends a command whose time is over, also one that ignores TERM', async () => {
    const mark = `987${process.pid}`;
    const stubborn = `trap "" TERM; while :; do sleep ${mark}; done`;
    await expect(session.exec(['sleep', mark], { timeoutMs: 200 })).rejects.toMatchObject({
      code: 'MM_SSH_TIMEOUT',
      message: expect.stringContaining('within 200 ms'),
    });
    await expect(session.exec(['sh', '-c', stubborn], { timeoutMs: 200 })).rejects.toMatchObject({
      code: 'MM_SSH_TIMEOUT',
    });
    const left = () => session.exec(['sh', '-c', `ps -eo args | grep "^sleep ${mark}" || true`]);
    await expect.poll(async () => (await left()).stdout, { timeout: 20_000 }).toBe('');
  });

  test('ends a command that is cancelled, and rejects with the reason', async () => {
    const stop = new AbortController();
    const running = session.exec(['sleep', '60'], { signal: stop.signal });
    setTimeout(() => stop.abort(new Error('the user said so')), 100);
    await expect(running).rejects.toThrow('the user said so');
    await expect(session.exec(['true'], { signal: stop.signal })).rejects.toThrow('the user said so');
    expect((await session.exec(['true'])).exitCode).toBe(0);
  });

  test('leaves a command to itself that must not be cut off, with nobody who reads what it says', async () => {
    const path = join(sshd.dir, 'left');
    const careful =
      'trap "" PIPE; echo begun >&2; until [ -e "$1.go" ]; do sleep 0.1; done; echo said >&2 || echo unheard >"$1"; exit 0';
    for (const how of ['timeout', 'signal'] as const) {
      const stop = new AbortController();
      const running = session.exec(['sh', '-c', careful, 'sh', path], {
        leaveRunning: true,
        ...(how === 'timeout' ? { timeoutMs: 300 } : { signal: stop.signal }),
      });
      setTimeout(() => stop.abort(new Error('the user said so')), 300);
      await expect(running).rejects.toThrow(how === 'timeout' ? 'within 300 ms' : 'the user said so');
      // The command waits for this file, so it is running still.
      await writeFile(`${path}.go`, '');
      await expect.poll(() => readFile(path, 'utf8').catch(() => ''), { timeout: 10_000 }).toBe('unheard\n');
      await Promise.all([rm(path), rm(`${path}.go`)]);
    }
  });

  test('stops a command that prints without end', async () => {
    await expect(session.exec(['yes'], { maxOutputBytes: 100_000 })).rejects.toMatchObject({
      code: 'MM_SSH_OUTPUT',
      message: expect.stringContaining('100000 bytes to its stdout'),
    });
    const ran = await session.exec(['head', '-c', '3000000', '/dev/zero']);
    expect(ran.stdout.length).toBe(3_000_000);
  });

  test('runs thirty commands side by side on one connection', async () => {
    const before = (await sshd.log()).match(/Accepted publickey/g)?.length;
    // The first eight wait for each other, which they would do for ever one after the other.
    const meeting =
      'touch "$2/$1"; [ "$1" -ge 8 ] || until [ "$(ls "$2" | wc -l)" -ge 8 ]; do sleep 0.1; done; echo "$1"';
    const folder = await mkdtemp(join(sshd.dir, 'meeting-'));
    const results = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        session.exec(['sh', '-c', meeting, 'sh', String(index), folder]),
      ),
    );
    expect(results.map(({ stdout }) => stdout.trim())).toEqual(
      Array.from({ length: 30 }, (_, index) => String(index)),
    );
    expect((await sshd.log()).match(/Accepted publickey/g)?.length).toBe(before);
  });

  test('a command that waits for its turn can be cancelled, and takes no turn', async () => {
    const stop = new AbortController();
    const busy = Array.from({ length: 8 }, () => session.exec(['sleep', '0.5']));
    const waiting = session.exec(['true'], { signal: stop.signal });
    stop.abort(new Error('no longer'));
    await expect(waiting).rejects.toThrow('no longer');
    const last = session.exec(['echo', 'through']);
    await Promise.all(busy);
    expect((await last).stdout).toBe('through\n');
  });

  test('writes a file with its mode, whole, over an old one', async () => {
    const dir = join(sshd.dir, "a dir with ' and \\");
    await mkdir(dir);
    const path = join(dir, 'file\nname');
    await writeFile(path, 'old', { mode: 0o644 });
    const content = Buffer.alloc(1_000_000, 'x\0y\n');
    await session.writeFile(path, content, 0o640);
    expect(content.equals(await readFile(path))).toBe(true);
    expect((await stat(path)).mode & 0o7777).toBe(0o640);
    await session.writeFile(path, '', 0o400);
    expect((await stat(path)).size).toBe(0);
    expect(await readdir(dir)).toEqual(['file\nname']);
  });

  test('a reader never sees half a file while it is replaced', async () => {
    const path = join(sshd.dir, 'replaced');
    const contents = ['a', 'b'].map((letter) => letter.repeat(500_000));
    await session.writeFile(path, contents[0] ?? '', 0o600);
    let writing = true;
    const reader = (async () => {
      while (writing) expect(contents).toContain(await readFile(path, 'utf8'));
    })();
    for (let round = 0; round < 10; round += 1)
      await session.writeFile(path, contents[round % 2] ?? '', 0o600);
    writing = false;
    await reader;
  });

  test('says why a file cannot be written, and leaves nothing', async () => {
    await expect(session.writeFile('/nowhere/at/all', 'x', 0o600)).rejects.toMatchObject({
      code: 'MM_SSH_WRITE',
      message: expect.stringContaining('/nowhere/at/all'),
    });
    const dir = join(sshd.dir, 'target-is-dir');
    await mkdir(dir);
    await expect(session.writeFile(dir, 'x', 0o600)).rejects.toMatchObject({
      code: 'MM_SSH_WRITE',
      message: expect.stringContaining('is a directory'),
    });
    expect(await readdir(dir)).toEqual([]);
  });

  test('a connection that breaks in the middle leaves the old file', async () => {
    const path = join(sshd.dir, 'kept');
    await writeFile(path, 'old');
    const broken = await connector.session(sshd.target());
    const writing = broken.writeFile(path, Buffer.alloc(200_000_000), 0o600);
    setTimeout(() => broken.close(), 150);
    await expect(writing).rejects.toMatchObject({ code: 'MM_SSH_CLOSED' });
    await sleep(500);
    expect(await readFile(path, 'utf8')).toBe('old');
    expect((await readdir(sshd.dir)).filter((name) => name.startsWith('.mymachine'))).toEqual([]);
  });

  test('connects to a unix socket of the host', async () => {
    const path = join(sshd.dir, 'echo.sock');
    const server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)).listen(path);
    const stream = await session.connectUnix(path);
    stream.end('hello');
    let text = '';
    for await (const chunk of stream) text += chunk;
    expect(text).toBe('hello');
    server.close();
    await expect(session.connectUnix(join(sshd.dir, 'no.sock'))).rejects.toMatchObject({
      code: 'MM_SSH_FORWARD',
    });
  });

  test('says so when the connection ends under a command', async () => {
    const other = await connector.session(sshd.target());
    const running = other.exec(['sh', '-c', 'kill -9 $PPID; sleep 5']);
    await expect(running).rejects.toMatchObject({ code: 'MM_SSH_CLOSED' });
    await expect(other.exec(['true'])).rejects.toMatchObject({ code: 'MM_SSH_CLOSED' });
  });

  test('runs many commands on a host that allows two at a time', async () => {
    const narrow = await startSshd([...settings, 'MaxSessions 2']);
    try {
      const other = await connector.session(narrow.target());
      const results = await Promise.all(
        Array.from({ length: 12 }, (_, index) =>
          other.exec(['sh', '-c', 'sleep 0.05; echo "$1"', 'sh', String(index)]),
        ),
      );
      expect(results.map(({ stdout }) => Number(stdout))).toEqual(
        Array.from({ length: 12 }, (_, index) => index),
      );
    } finally {
      await removeSshd(narrow);
    }
  });

  test('says so when the host opens no session at all', async () => {
    const closed = await startSshd([...settings, 'MaxSessions 0']);
    try {
      const other = await connector.session(closed.target());
      await expect(other.exec(['true'])).rejects.toMatchObject({ code: 'MM_SSH_COMMAND' });
    } finally {
      await removeSshd(closed);
    }
  });

  test('notices a host that has died without a word', async () => {
    const impatient = testConnector(sshd.dir, { keepaliveMs: 100 });
    const other = await impatient.session(sshd.target());
    const pid = Number((await other.exec(['sh', '-c', 'echo $PPID'])).stdout);
    process.kill(pid, 'SIGSTOP');
    try {
      await expect(other.exec(['true'])).rejects.toMatchObject({
        code: 'MM_SSH_CLOSED',
        message: expect.stringMatching(/Keepalive timeout|not responding/),
      });
      expect(other.isOpen).toBe(false);
    } finally {
      process.kill(pid, 'SIGKILL');
      impatient.closeAll();
    }
  });

  test('refuses a command line that is longer than a host takes', async () => {
    await expect(session.exec(['echo', 'x'.repeat(140_000)])).rejects.toMatchObject({
      code: 'MM_SSH_COMMAND',
    });
    expect(
      (await session.exec(['sh', '-c', 'printf %s "$1" | wc -c', 'sh', 'x'.repeat(130_000)])).stdout,
    ).toBe('130000\n');
  });
});
