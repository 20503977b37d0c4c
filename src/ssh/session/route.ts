import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import { lastLines } from '../../base/printable.ts';
import type { SshTarget } from '../contract.ts';
import { sshError } from '../errors.ts';
import { expandTokens, type UserConfig } from '../system/user-config.ts';
import { describeTarget } from '../target.ts';
import { networkFailure } from './failures.ts';

/** An open connection to a host's SSH port. */
export interface Route {
  readonly stream: Duplex;
  /** The host's address as this computer sees it; '' behind a proxy. */
  readonly remoteAddress: string;
  readonly isProxy: boolean;
  /** The last words of a proxy on its stderr. */
  readonly complaint: () => string;
}

/** How long a proxy's last words are waited for. Its children may hold its stderr open for good. */
const LAST_WORDS_MS = 500;

/** Connects as the user's ssh config says: through other hosts, through a command, or over TCP. */
export async function openRoute(
  target: SshTarget,
  config: UserConfig | undefined,
  configPath: string,
  signal: AbortSignal,
): Promise<Route> {
  const at = { ...target, host: config?.hostName ?? target.host };
  if (config !== undefined && config.proxyJump !== '') {
    return openProxy(jumpArgv(config.proxyJump, at, configPath), target, signal);
  }
  if (config !== undefined && config.proxyCommand !== '') {
    // The shell text is the user's own. checkTarget has checked what we put in.
    const text = expandTokens(config.proxyCommand, at, { n: target.host });
    return openProxy(['/bin/sh', '-c', `exec ${text}`], target, signal);
  }
  return openTcp(at, signal);
}

/**
 * The system's ssh to the last jump host, through the ones before it, as a pipe to the target.
 * It asks nothing: a question would wait unseen under our progress lines.
 */
export function jumpArgv(
  proxyJump: string,
  target: Pick<SshTarget, 'host' | 'port'>,
  configPath: string,
): readonly [string, ...string[]] {
  const hops = proxyJump.split(',').map((hop) => hop.trim());
  const last = hops.at(-1) ?? '';
  const parsed = /^(?:ssh:\/\/)?(?:(.*)@)?(\[[^\]]+\]|[^:]+)(?::(\d+))?\/?$/.exec(last);
  const [, user, host, port] = parsed ?? [];
  return [
    'ssh',
    ...(configPath === '' ? [] : ['-F', configPath]),
    ...['-o', 'BatchMode=yes'],
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', port]),
    ...(hops.length > 1 ? ['-J', hops.slice(0, -1).join(',')] : []),
    ...['-W', `[${target.host}]:${target.port}`],
    '--',
    (host ?? last).replace(/^\[(.*)\]$/, '$1'),
  ];
}

async function openTcp(target: SshTarget, signal: AbortSignal): Promise<Route> {
  const socket = connectTcp({ host: target.host, port: target.port, noDelay: true });
  const stop = () => socket.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await once(socket, 'connect', { signal });
    return { stream: socket, remoteAddress: socket.remoteAddress ?? '', isProxy: false, complaint: () => '' };
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    throw networkFailure(error, target);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function openProxy(
  argv: readonly [string, ...string[]],
  target: SshTarget,
  signal: AbortSignal,
): Promise<Route> {
  const [program, ...args] = argv;
  const { execa } = await import('execa');
  // The programs of `Programs` run to their end. This one lives as long as the connection.
  const child = execa(program, args, {
    ...{ stdio: 'pipe', buffer: false, reject: false },
    ...{ cleanup: false, forceKillAfterDelay: false },
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-4000);
  });
  // Both ends report a broken pipe when the proxy dies. Its death is what counts.
  child.stdin.on('error', () => undefined);
  child.stdout.on('error', () => undefined);
  // Whoever sees the end asks for the complaint, so the end comes after it.
  const answers = new PassThrough();
  child.stdout.pipe(answers, { end: false });
  const end = () => answers.end();
  child.once('close', end);
  child.stdout.once('end', () => AbortSignal.timeout(LAST_WORDS_MS).addEventListener('abort', end));
  const stream = Duplex.from({ readable: answers, writable: child.stdin });
  stream.once('close', () => child.kill());
  child.on('error', () => stream.destroy());
  try {
    await once(child, 'spawn', { signal });
  } catch (error) {
    stream.destroy();
    signal.throwIfAborted();
    throw sshError('MM_SSH_PROXY', {
      message: `The proxy for ${describeTarget(target)} could not be started: ${program}`,
      hint: `Check ProxyJump and ProxyCommand in the output of "ssh -G ${target.host}".`,
      cause: error,
    });
  }
  return { stream, remoteAddress: '', isProxy: true, complaint: () => lastLines(complaint, 5) };
}
