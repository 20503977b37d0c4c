import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Argv } from '../../../src/base/ports.ts';
import type { CopySide } from '../../../src/ssh/contract.ts';
import { copyConfig, rsyncArgv, runOnTerminal, scpArgv, sshArgv } from '../../../src/ssh/system/openssh.ts';
import { programsWithout } from './ports.ts';
import { keygen, removeSshd, type Sshd, startSshd } from './sshd.ts';
import { needsSshd } from './without.ts';

describe.runIf(needsSshd)("the system's OpenSSH", () => {
  let sshd: Sshd;
  let other: Sshd;
  const programs = programsWithout();
  const run = (argv: Argv, input = '') => programs.run(argv, { input });

  beforeAll(async () => {
    [sshd, other] = await Promise.all([startSshd(), startSshd()]);
  });
  afterAll(() => Promise.all([removeSshd(sshd), removeSshd(other)]));

  test('runs a command with its output, input and exit status, and pins the first key', async () => {
    const target = sshd.target();
    const ran = await run(sshArgv(target, ['sh', '-c', '"cat; echo err >&2; exit 9"']), 'typed');
    expect(ran).toMatchObject({ stdout: 'typed', stderr: 'err\n', exitCode: 9 });
    expect(await readFile(target.knownHostsPath, 'utf8')).toBe(
      `host1 ssh-ed25519 ${sshd.hostKeys.ed25519}\n`,
    );
    expect((await run(sshArgv({ ...target, trust: 'pinned' }, ['true']))).exitCode).toBe(0);
  });

  test('takes its own options after the name, as with docker-machine', async () => {
    const ran = await run(sshArgv(sshd.target(), ['-v', '-tt', 'tty']));
    expect(ran.stdout).toContain('/dev/pts/');
    expect(ran.stderr).toContain('debug1');
  });

  test('refuses unknown and changed host keys', async () => {
    const unknown = await run(sshArgv(sshd.target({ trust: 'pinned' }), ['true']));
    expect(unknown).toMatchObject({
      exitCode: 255,
      stderr: expect.stringContaining('Host key verification failed'),
    });
    const target = sshd.target();
    keygen(join(sshd.dir, 'another'), 'ed25519');
    const another = await readFile(join(sshd.dir, 'another.pub'), 'utf8');
    await writeFile(target.knownHostsPath, `host1 ${another}`);
    expect((await run(sshArgv(target, ['true']))).exitCode).toBe(255);
  });

  test('takes paths with blanks and percent signs', async () => {
    const folder = await mkdtemp(join(sshd.dir, 'a b %h '));
    execFileSync('cp', [sshd.keyPath, join(folder, 'my key')]);
    const target = sshd.target({
      keyPath: join(folder, 'my key'),
      knownHostsPath: join(folder, 'known hosts'),
    });
    expect((await run(sshArgv(target, ['echo', 'in']))).stdout).toBe('in\n');
    expect(await readFile(target.knownHostsPath, 'utf8')).toContain('host1 ssh-ed25519');
  });

  test('gives its exit status to whoever has the terminal, and says when it is missing', async () => {
    expect(await runOnTerminal(programs, sshArgv(sshd.target(), ['exit', '33']))).toBe(33);
    expect(await runOnTerminal(programs, ['sh', '-c', 'kill -TERM $$'])).toBe(143);
    await expect(runOnTerminal(programs, ['no-such-program-here'])).rejects.toMatchObject({
      code: 'MM_SSH_PROGRAM',
    });
  });

  describe('copies', () => {
    const local = (path: string): CopySide => ({ kind: 'local', path });
    const remote = (host: Sshd, path: string): CopySide => ({
      kind: 'machine',
      target: host.target({ hostKeyAlias: `port-${host.port}`, machineName: 'm' }),
      path,
    });
    async function copy(
      from: CopySide,
      to: CopySide,
      how: typeof scpArgv = scpArgv,
      userConfigs: readonly string[] = [],
    ) {
      const configPath = join(await mkdtemp(join(sshd.dir, 'copy ')), 'config');
      await writeFile(configPath, copyConfig(from, to, userConfigs), { mode: 0o600 });
      return run(how(from, to, { configPath, recursive: true, quiet: true }));
    }

    beforeAll(async () => {
      await mkdir(join(sshd.dir, 'tree'));
      await writeFile(join(sshd.dir, 'tree', 'file'), 'content');
      await writeFile(join(sshd.dir, 'a:b'), 'colon');
    });

    test('to a host, between two hosts with different ports, keys and known_hosts, and back', async () => {
      expect(await copy(local(join(sshd.dir, 'tree')), remote(sshd, `${sshd.dir}/up`))).toMatchObject({
        exitCode: 0,
        stderr: '',
      });
      expect(await copy(remote(sshd, `${sshd.dir}/up`), remote(other, `${other.dir}/over`))).toMatchObject({
        exitCode: 0,
        stderr: '',
      });
      expect(await copy(remote(other, `${other.dir}/over`), local(join(sshd.dir, 'down')))).toMatchObject({
        exitCode: 0,
      });
      expect(await readFile(join(sshd.dir, 'down', 'file'), 'utf8')).toBe('content');
    });

    test('a file whose name has a colon', async () => {
      expect(await copy(local(join(sshd.dir, 'a:b')), remote(sshd, `${sshd.dir}/colon`))).toMatchObject({
        exitCode: 0,
      });
      expect(await readFile(join(sshd.dir, 'colon'), 'utf8')).toBe('colon');
    });

    test('by rsync', async () => {
      expect(
        await copy(local(join(sshd.dir, 'tree')), remote(sshd, `${sshd.dir}/synced`), rsyncArgv),
      ).toMatchObject({
        exitCode: 0,
        stderr: '',
      });
      expect(await readFile(join(sshd.dir, 'synced', 'tree', 'file'), 'utf8')).toBe('content');
    });

    test("by way of what the user's config says about the address", async () => {
      const userConfig = join(sshd.dir, 'user_config');
      const seen = join(sshd.dir, 'went-through');
      await writeFile(
        userConfig,
        `Host 127.0.0.*\n  ProxyCommand sh -c 'echo %h %p >>${seen}; exec ssh -F none -i ${sshd.keyPath} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -p ${sshd.port} -W %h:%p 127.0.0.1'\n  Port 1\n`,
      );
      const copied = await copy(
        remote(other, `${other.dir}/over`),
        local(join(sshd.dir, 'proxied')),
        scpArgv,
        [userConfig],
      );
      expect(copied.exitCode).toBe(0);
      expect(await readFile(seen, 'utf8')).toBe(`127.0.0.1 ${other.port}\n`);
    });
  });
});
