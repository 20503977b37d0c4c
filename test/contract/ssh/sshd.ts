import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SshTarget } from '../../../src/ssh/contract.ts';
import { listen } from '../../testbed/listen.ts';

const SSHD = '/usr/sbin/sshd';

/** A real OpenSSH server on a free port of this computer, for the user who runs the tests. */
export interface Sshd {
  readonly dir: string;
  readonly port: number;
  readonly user: string;
  /** A key that it lets in. */
  readonly keyPath: string;
  /** Base64 of its host keys' public halves, by type. */
  readonly hostKeys: Readonly<Record<'ed25519' | 'ecdsa' | 'rsa', string>>;
  log(): Promise<string>;
  /** A target with a known_hosts file of its own. */
  target(changes?: Partial<SshTarget>): SshTarget;
  stop(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
}

export async function startSshd(settings: readonly string[] = [], listening = true): Promise<Sshd> {
  if (!existsSync(SSHD)) {
    throw new Error(
      `These tests need ${SSHD}: apt-get install openssh-server, or set MM_WITHOUT=sshd to leave them out`,
    );
  }
  const dir = await mkdtemp(join(tmpdir(), 'mm-sshd-'));
  const port = await freePort();
  const user = userInfo().username;
  const isRoot = process.getuid?.() === 0;
  // sshd's privilege separation folder, which its unit makes on a booted system.
  if (isRoot) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  for (const type of ['ed25519', 'ecdsa', 'rsa']) keygen(join(dir, `host_${type}`), type);
  const keyPath = join(dir, 'id');
  keygen(keyPath, 'ed25519');
  await writeFile(join(dir, 'authorized_keys'), await readFile(`${keyPath}.pub`));
  const own = settings.some((line) => line.startsWith('HostKey '));
  const hostKeyLines = own ? [] : ['ed25519', 'ecdsa', 'rsa'].map((type) => `HostKey ${dir}/host_${type}`);
  const config = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    ...hostKeyLines,
    `AuthorizedKeysFile ${dir}/authorized_keys`,
    'StrictModes no',
    // Without PAM a root account without a password
    // counts as locked; as plain user there is no PAM.
    `UsePAM ${isRoot ? 'yes' : 'no'}`,
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'PidFile none',
    'PrintMotd no',
    'PrintLastLog no',
    'MaxStartups 100',
    'LogLevel VERBOSE',
    `Subsystem sftp internal-sftp -d ${dir}`,
    // The start files of whoever runs the tests (bash
    // reads .bashrc under sshd) are none of our business.
    `SetEnv HOME=${dir}`,
    ...settings.map((line) => line.replaceAll('DIR', dir)),
    '',
  ].join('\n');
  await writeFile(join(dir, 'sshd_config'), config);
  let child: ChildProcess | undefined;
  let targets = 0;
  const publicKey = async (type: string) =>
    (await readFile(`${dir}/host_${type}.pub`, 'utf8')).split(' ')[1] ?? '';
  const sshd: Sshd = {
    dir,
    port,
    user,
    keyPath,
    hostKeys: {
      ed25519: await publicKey('ed25519'),
      ecdsa: await publicKey('ecdsa'),
      rsa: await publicKey('rsa'),
    },
    log: () => readFile(join(dir, 'log'), 'utf8').catch(() => ''),
    target(changes = {}) {
      targets += 1;
      return {
        host: '127.0.0.1',
        port,
        user,
        keyPath,
        knownHostsPath: join(dir, `known_hosts_${targets}`),
        hostKeyAlias: 'host1',
        trust: 'first-use',
        machineName: 'host1',
        ...changes,
      };
    },
    async start() {
      child = spawn(SSHD, ['-D', '-f', join(dir, 'sshd_config'), '-E', join(dir, 'log')], {
        stdio: 'ignore',
      });
      await untilListening(port, child, sshd);
    },
    async stop() {
      if (child !== undefined && child.exitCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      child = undefined;
    },
  };
  if (listening) await sshd.start();
  return sshd;
}

export async function removeSshd(sshd: Sshd | undefined): Promise<void> {
  await sshd?.stop();
  // What served the last sessions may still be writing there.
  if (sshd !== undefined) await rm(sshd.dir, { recursive: true, force: true, maxRetries: 5 });
}

export function keygen(path: string, type: string, passphrase = ''): void {
  const bits = type === 'rsa' ? ['-b', '2048'] : [];
  execFileSync('ssh-keygen', ['-q', '-t', type, ...bits, '-N', passphrase, '-C', 'test', '-f', path]);
}

/** A port at which nothing listens. */
export async function freePort(): Promise<number> {
  const { port, close } = await listen(createServer());
  await close();
  return port;
}

async function untilListening(port: number, child: ChildProcess, sshd: Sshd): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (child.exitCode !== null) throw new Error(`sshd ended: ${await sshd.log()}`);
    const socket = connect(port, '127.0.0.1');
    const open = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await sleep(25);
  }
  throw new Error(`sshd does not listen: ${await sshd.log()}`);
}
