import { chmod, mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock as clock } from '../../../src/cli/computer/clock.ts';
import type { CopySide } from '../../../src/ssh/contract.ts';
import { copyOverSftp } from '../../../src/ssh/native/sftp.ts';
import { type NativeTerminalOptions, runNativeTerminal } from '../../../src/ssh/native/terminal.ts';
import type { SessionConnector } from '../../../src/ssh/session/connector.ts';
import type { Session } from '../../../src/ssh/session/session.ts';
import { programsWithout, testConnector } from './ports.ts';
import { removeSshd, type Sshd, startSshd } from './sshd.ts';
import { needsSshd } from './without.ts';

describe.runIf(needsSshd)("without the system's ssh", () => {
  let sshd: Sshd;
  let other: Sshd;
  let connector: SessionConnector;
  let session: Session;

  beforeAll(async () => {
    [sshd, other] = await Promise.all([startSshd(), startSshd()]);
    connector = testConnector(sshd.dir, { programs: programsWithout('ssh', 'scp'), useUserConfig: true });
    session = await connector.session(sshd.target());
  });
  afterAll(async () => {
    connector?.closeAll();
    await Promise.all([removeSshd(sshd), removeSshd(other)]);
  });

  /**
   * A user's side of a terminal: what is typed, what is shown, and whether keys were handed on raw.
   */
  function terminal(size: { columns: number; rows: number } | undefined) {
    const rawModes: boolean[] = [];
    const stdin = Object.assign(new PassThrough(), {
      isTTY: size !== undefined,
      setRawMode: (raw: boolean) => rawModes.push(raw),
    });
    const stdout = Object.assign(new PassThrough(), { isTTY: size !== undefined, ...size });
    const stderr = new PassThrough();
    const shown = { stdout: '', stderr: '' };
    stdout.on('data', (chunk) => {
      shown.stdout += chunk;
    });
    stderr.on('data', (chunk) => {
      shown.stderr += chunk;
    });
    const run = (words: readonly string[], pty: NativeTerminalOptions['pty'] = 'auto') =>
      runNativeTerminal(session, { stdin, stdout, stderr }, { words, pty, term: 'vt220' });
    const untilShown = async (text: string) => {
      for (let tries = 0; !shown.stdout.includes(text); tries += 1) {
        if (tries > 200) throw new Error(`never shown: ${text} in ${shown.stdout}`);
        await clock.sleep(25);
      }
    };
    return { stdin, stdout, shown, rawModes, run, untilShown };
  }

  describe('ssh', () => {
    test('runs a command through the shell of the host, and returns its exit status', async () => {
      const { stdin, run, shown, rawModes } = terminal(undefined);
      stdin.end();
      expect(await run(['echo', '$((40+2));', 'echo err >&2;', 'exit 7'])).toBe(7);
      expect(shown).toEqual({ stdout: '42\n', stderr: 'err\n' });
      expect(rawModes).toEqual([]);
    });

    test('hands on what is piped in, to its end', async () => {
      const { stdin, run, shown } = terminal(undefined);
      stdin.end('one\ntwo\n');
      expect(await run(['wc -l'])).toBe(0);
      expect(shown.stdout.trim()).toBe('2');
    });

    test('gives 128 and the number of the signal that ended the command', async () => {
      const { stdin, run } = terminal(undefined);
      stdin.end();
      expect(await run(['kill -TERM $$'])).toBe(143);
    });

    test('gives a login a terminal of the size of ours, which follows it, and raw keys', async () => {
      const { stdin, stdout, run, shown, rawModes, untilShown } = terminal({ columns: 97, rows: 31 });
      const running = run([]);
      stdin.write('tty; echo $TERM; stty size\n');
      await untilShown('31 97');
      expect(shown.stdout).toContain('/dev/pts/');
      expect(shown.stdout).toContain('vt220');
      Object.assign(stdout, { columns: 120, rows: 40 });
      stdout.emit('resize');
      stdin.write('stty size\n');
      await untilShown('40 120');
      stdin.write('exit 5\n');
      expect(await running).toBe(5);
      expect(rawModes).toEqual([true, false]);
      expect(stdout.listenerCount('resize')).toBe(0);
    });

    test('gives a command no terminal, but when it is asked for', async () => {
      const without = terminal({ columns: 80, rows: 24 });
      without.stdin.end();
      expect(await without.run(['tty'])).toBe(1);
      expect(without.shown.stdout).toContain('not a tty');
      const asked = terminal({ columns: 66, rows: 22 });
      expect(await asked.run(['stty size'], 'always')).toBe(0);
      expect(asked.shown.stdout.trim()).toBe('22 66');
    });
  });

  describe('scp', () => {
    const local = (...path: string[]): CopySide => ({ kind: 'local', path: join(sshd.dir, 'here', ...path) });
    const remote = (host: Sshd, ...path: string[]): CopySide => ({
      kind: 'machine',
      target: { ...host.target(), hostKeyAlias: `port-${host.port}` },
      path: join(host.dir, 'there', ...path),
    });
    const copy = (from: CopySide, to: CopySide, recursive = false) =>
      copyOverSftp(connector, from, to, { recursive });
    const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

    beforeAll(async () => {
      for (const host of [sshd, other]) await mkdir(join(host.dir, 'there'));
      const tree = join(sshd.dir, 'here', 'tree');
      await mkdir(join(tree, 'sub', 'empty'), { recursive: true });
      await writeFile(join(tree, 'big'), Buffer.alloc(3_000_000, 'abc'), { mode: 0o644 });
      await writeFile(join(tree, 'sub', 'run me'), '#!/bin/sh\n', { mode: 0o755 });
      await writeFile(join(tree, 'sub', 'secret'), '', { mode: 0o600 });
      await symlink('big', join(tree, 'link'));
      await chmod(join(tree, 'sub'), 0o750);
    });

    async function expectTree(path: string) {
      expect((await readdir(path, { recursive: true })).sort()).toEqual(
        ['big', 'link', 'sub', 'sub/empty', 'sub/run me', 'sub/secret'].sort(),
      );
      expect(Buffer.alloc(3_000_000, 'abc').equals(await readFile(join(path, 'big')))).toBe(true);
      expect((await readFile(join(path, 'link'))).length).toBe(3_000_000);
      expect(await modeOf(join(path, 'big'))).toBe(0o644);
      expect(await modeOf(join(path, 'sub'))).toBe(0o750);
      expect(await modeOf(join(path, 'sub', 'run me'))).toBe(0o755);
      expect(await modeOf(join(path, 'sub', 'secret'))).toBe(0o600);
    }

    test('copies a folder with all in it and its modes to a host, to another host, and back', async () => {
      await copy(local('tree'), remote(sshd, 'tree'), true);
      await expectTree(join(sshd.dir, 'there', 'tree'));
      await copy(remote(sshd, 'tree'), remote(other, ''), true);
      await expectTree(join(other.dir, 'there', 'tree'));
      await copy(remote(other, 'tree'), local('back'), true);
      await expectTree(join(sshd.dir, 'here', 'back'));
    });

    test('copies into a folder that is there, and over a file that is there', async () => {
      await copy(local('tree', 'sub', 'run me'), remote(sshd, ''));
      expect(await modeOf(join(sshd.dir, 'there', 'run me'))).toBe(0o755);
      await writeFile(join(sshd.dir, 'there', 'old'), 'long old content', { mode: 0o666 });
      await copy(local('tree', 'sub', 'run me'), remote(sshd, 'old'));
      expect(await readFile(join(sshd.dir, 'there', 'old'), 'utf8')).toBe('#!/bin/sh\n');
    });

    test('keeps no more of a file than scp does: the umask counts, and what is there keeps its mode', async () => {
      const open = join(sshd.dir, 'here', 'open');
      await writeFile(open, 'open');
      await chmod(open, 0o4777);
      await utimes(open, 1, 1);
      for (const [side, path] of [
        [remote(sshd, 'open'), join(sshd.dir, 'there', 'open')],
        [local('open-copy'), join(sshd.dir, 'here', 'open-copy')],
      ] as const) {
        await copy(local('open'), side);
        const copied = await stat(path);
        expect((copied.mode & 0o7777).toString(8)).toBe('755');
        expect(copied.mtimeMs).toBeGreaterThan(1_000_000);
        await chmod(path, 0o600);
        await copy(local('open'), side);
        expect(await modeOf(path)).toBe(0o600);
      }
    });

    test('copies what is in a folder into one that is there, and leaves that as it is', async () => {
      const into = join(sshd.dir, 'there', 'into');
      await mkdir(into);
      await chmod(into, 0o1777);
      await copy({ kind: 'local', path: `${join(sshd.dir, 'here', 'tree')}/.` }, remote(sshd, 'into'), true);
      await expectTree(into);
      expect(((await stat(into)).mode & 0o7777).toString(8)).toBe('1777');
    });

    test('takes ~ and relative paths from the home folder', async () => {
      const side = (path: string): CopySide => ({ kind: 'machine', target: sshd.target(), path });
      await copy(local('tree', 'sub', 'secret'), side('~/in-home'));
      expect(await modeOf(join(sshd.dir, 'in-home'))).toBe(0o600);
      await copy(side('in-home'), local('from-home'));
      expect(await modeOf(join(sshd.dir, 'here', 'from-home'))).toBe(0o600);
    });

    test('says what cannot be copied and why', async () => {
      await expect(copy(local('tree'), remote(sshd, 'x'))).rejects.toMatchObject({
        code: 'MM_SSH_TRANSFER',
        hint: expect.stringContaining('scp -r'),
      });
      await expect(copy(remote(sshd, 'missing'), local('x'))).rejects.toMatchObject({
        code: 'MM_SSH_TRANSFER',
        message: expect.stringContaining('missing: no such file or folder'),
      });
      await expect(copy(remote(sshd, '*.log'), local('x'))).rejects.toMatchObject({
        hint: expect.stringContaining('wildcards'),
      });
      await expect(copy(local('from-home'), remote(sshd, 'no', 'such', 'folder'))).rejects.toMatchObject({
        code: 'MM_SSH_TRANSFER',
        message: expect.stringContaining('no/such/folder'),
      });
    });

    test('can be cancelled', async () => {
      const stop = new AbortController();
      const copying = copyOverSftp(connector, { kind: 'local', path: '/dev/zero' }, remote(sshd, 'endless'), {
        recursive: false,
        signal: stop.signal,
      });
      await expect(copying).rejects.toMatchObject({
        code: 'MM_SSH_TRANSFER',
        message: expect.stringContaining('neither'),
      });
      await writeFile(join(sshd.dir, 'here', 'large'), Buffer.alloc(200_000_000));
      setTimeout(() => stop.abort(new Error('enough')), 50);
      await expect(
        copyOverSftp(connector, local('large'), remote(sshd, 'large'), {
          recursive: false,
          signal: stop.signal,
        }),
      ).rejects.toThrow('enough');
    });
  });
});
