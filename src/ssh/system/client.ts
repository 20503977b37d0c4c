import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Argv } from '../../base/ports.ts';
import type { SshTarget } from '../contract.ts';
import { sshError } from '../errors.ts';
import { hostKeyAlgorithms, type KnownKeys } from '../keys/host-key-check.ts';
import { pinnedKeys } from '../keys/known-hosts.ts';
import type { ConnectStage } from '../session/failures.ts';
import boundToUs from './bound-to-us.sh';
import { ClientLog } from './client-log.ts';
import { MuxConnection } from './mux.ts';
import { clientArgv, pathValue } from './openssh.ts';
import type { UserConfig } from './user-config.ts';

/** A socket's path has at most 103 characters, and ssh binds one that is 17 longer first. */
const LONGEST_FOLDER = 70;

/** Settings of every call. It asks nothing, and does nothing beside the connection. */
const QUIET = {
  LogLevel: 'DEBUG1',
  BatchMode: 'yes',
  FingerprintHash: 'sha256',
  // Our own deadlines say more of what was waited for.
  ConnectTimeout: '120',
  UpdateHostKeys: 'no',
  ClearAllForwardings: 'yes',
  ForwardAgent: 'no',
  ForwardX11: 'no',
  PermitLocalCommand: 'no',
  RemoteCommand: 'none',
  RequestTTY: 'no',
  Tunnel: 'no',
} as const;

/** Shows the host no key. */
const NO_LOGIN = { PreferredAuthentications: 'none', PubkeyAuthentication: 'no' } as const;

/** How the system's ssh is called for a host. */
export interface SystemCall {
  readonly target: SshTarget;
  readonly config: UserConfig | undefined;
  /** `-F` and the file, when that is not the user's own. */
  readonly configArgs: readonly string[];
  readonly sshAuthSock: string;
  readonly signal: AbortSignal;
  readonly onStage: (stage: ConnectStage) => void;
  readonly onData: () => void;
  /** A security key waits to be touched. */
  readonly onTouch: () => void;
}

/** ssh has ended without doing what was asked. */
export class ClientEnded extends Error {
  readonly log: ClientLog;

  constructor(log: ClientLog) {
    super(log.said.split('\n').at(-1) ?? '');
    this.log = log;
  }
}

/** The key that a host shows and proves to own. Nothing is known of it, and nobody logs in. */
export async function showHostKey(call: SystemCall, known: KnownKeys): Promise<Buffer> {
  const { target } = call;
  const folder = await makeFolder();
  const seen = join(folder, 'seen');
  const ordered = algorithms(known, call.config?.hostKeyAlgorithms ?? '');
  const settings = {
    ...QUIET,
    ...NO_LOGIN,
    ...call.config?.turnedOff,
    UserKnownHostsFile: pathValue(seen),
    StrictHostKeyChecking: 'no',
    RevokedHostKeys: 'none',
    ...(ordered === '' ? {} : { HostKeyAlgorithms: ordered }),
  };
  const { result, log } = await run(
    call,
    [...clientArgv(target, call.configArgs, settings), 'true'],
    folder,
    async () => (await pinnedKeys(seen, target.hostKeyAlias)).at(0),
  );
  if (result === undefined) throw new ClientEnded(log);
  return result.blob;
}

/** The host key algorithms of the user, those of known keys first. '' for ssh's own order. */
function algorithms(known: KnownKeys, configured: string): string {
  if (known.pinned.length === 0 && (known.user?.keys.length ?? 0) === 0) return '';
  const first = hostKeyAlgorithms(known);
  if (configured === '') return first.join(',');
  const list = configured.split(',');
  return [...new Set([...first.filter((one) => list.includes(one)), ...list])].join(',');
}

/**
 * What ssh makes of the certificate that a host shows, by the user's known_hosts alone. undefined
 * when the host shows none that an authority of the user's has signed.
 * @throws MM_SSH_HOST_KEY_REFUSED for a certificate that is not valid for the host, or revoked.
 */
export async function judgeCertificate(call: SystemCall): Promise<ClientLog['certified']> {
  const { target } = call;
  const settings = Object.entries({ ...QUIET, ...NO_LOGIN, ControlMaster: 'no', ControlPath: 'none' });
  const argv: Argv = [
    ...(['ssh', ...call.configArgs] as const),
    ...settings.flatMap(([keyword, value]) => ['-o', `${keyword}=${value}`]),
    ...['-l', target.user, '-p', String(target.port), '--', target.host, 'true'],
  ];
  const { log } = await run(call, argv, await makeFolder(), async () => undefined);
  if (log.certified === undefined || log.hasMet) return log.certified;
  const [why] = /^.*(?:certificate invalid|revoked).*$/im.exec(log.said) ?? [];
  if (why === undefined) return undefined;
  throw sshError('MM_SSH_HOST_KEY_REFUSED', {
    message: `${target.machineName} (${target.host}) shows a certificate that is not accepted: ${why}`,
    hint: 'Have the authority in your known_hosts sign the host key anew, for the name or address that you log in to.',
  });
}

/** Logs in by a master of the system's ssh, which ends with the connection, or with us. */
export async function startMaster(call: SystemCall, keepaliveMs: number): Promise<MuxConnection> {
  const folder = await makeFolder();
  const path = join(folder, 's');
  const settings = {
    ...QUIET,
    ...call.config?.turnedOff,
    ControlMaster: 'yes',
    ControlPath: pathValue(path),
    ControlPersist: 'no',
    StrictHostKeyChecking: 'yes',
    ServerAliveInterval: String(Math.ceil(keepaliveMs / 1000)),
    ServerAliveCountMax: '3',
  };
  const argv = clientArgv(call.target, ['-N', ...call.configArgs], settings);
  const child = await start(call, argv, folder);
  const { log } = child;
  const stop = () => child.stop();
  call.signal.addEventListener('abort', stop, { once: true });
  try {
    if (!(await Promise.race([child.ready, child.ended.then(() => false)]))) {
      call.signal.throwIfAborted();
      throw new ClientEnded(log);
    }
    const made = await MuxConnection.open(path, stop, call.signal);
    child.ended.then(() => made.lose(log.said === '' ? undefined : new ClientEnded(log)));
    made.once('close', stop);
    return made;
  } catch (error) {
    stop();
    throw error;
  } finally {
    call.signal.removeEventListener('abort', stop);
    child.ended.then(() => removeFolder(folder));
  }
}

/** Runs ssh to its end. `read` looks at the folder before that is removed. */
async function run<T>(
  call: SystemCall,
  argv: Argv,
  folder: string,
  read: () => Promise<T | undefined>,
): Promise<{ readonly log: ClientLog; readonly result: T | undefined }> {
  const child = await start(call, argv, folder);
  const stop = () => child.stop();
  call.signal.addEventListener('abort', stop, { once: true });
  try {
    await child.ended;
    call.signal.throwIfAborted();
    return { log: child.log, result: await read() };
  } finally {
    call.signal.removeEventListener('abort', stop);
    await removeFolder(folder);
  }
}

interface Client {
  readonly log: ClientLog;
  /** Resolves once the user is logged in. */
  readonly ready: Promise<true>;
  readonly ended: Promise<void>;
  stop(): void;
}

/** Starts ssh in a session of its own, where Ctrl-C does not end it in the middle of our work. */
async function start(call: SystemCall, argv: Argv, folder: string): Promise<Client> {
  const { execa } = await import('execa');
  const log = new ClientLog();
  const child = execa('/bin/sh', ['-c', boundToUs, 'mymachine', folder, ...argv], {
    ...{ stdin: 'pipe', stdout: 'ignore', stderr: 'pipe', buffer: false, reject: false },
    ...{ detached: true, cleanup: false, forceKillAfterDelay: false },
    env: { SSH_AUTH_SOCK: call.sshAuthSock },
  });
  child.stdin.on('error', () => undefined);
  let isReady: (value: true) => void = () => undefined;
  const ready = new Promise<true>((resolve) => {
    isReady = resolve;
  });
  let stage: ConnectStage = 'way';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log.add(text);
    call.onData();
    if (log.stage !== stage) {
      call.onStage(log.stage);
      if (log.stage === 'touch') call.onTouch();
    }
    stage = log.stage;
    if (log.isReady) isReady(true);
  });
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve()).once('error', () => resolve());
  });
  return { log, ready, ended, stop: () => child.stdin.destroy() };
}

async function makeFolder(): Promise<string> {
  const base = tmpdir();
  return mkdtemp(join(base.length > LONGEST_FOLDER ? '/tmp' : base, 'mm-'));
}

async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}
