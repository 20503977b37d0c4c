import type { Client } from 'ssh2';
import ssh2 from 'ssh2';
import type { Clock, Programs, Report } from '../../base/ports.ts';
import { printable } from '../../base/printable.ts';
import type { SshTarget } from '../contract.ts';
import {
  checkHostKey,
  hostKeyAlgorithms,
  type KnownKeys,
  keyChanged,
  knownToUser,
} from '../keys/host-key-check.ts';
import { describeIdentity, gatherIdentities, isKey } from '../keys/identities.ts';
import { pinFirstKey, pinnedKeys } from '../keys/known-hosts.ts';
import { describeKey } from '../keys/public-key.ts';
import { readUserConfig } from '../system/user-config.ts';
import { checkTarget, describeTarget } from '../target.ts';
import { type ConnectStage, type Login, loginFailure, lostFailure } from './failures.ts';
import { openRoute, type Route } from './route.ts';
import { Session } from './session.ts';

const KEEPALIVE_MS = 10_000;
/** A host is dead when this many probes in a row stay unanswered. */
const KEEPALIVE_PROBES = 3;

export interface ConnectSettings {
  readonly programs: Programs;
  readonly clock: Clock;
  readonly report: Report;
  /** Value of SSH_AUTH_SOCK; '' when there is no agent. */
  readonly sshAuthSock: string;
  readonly homeDir: string;
  /** false: neither the user's ssh config nor the system's is read. */
  readonly useUserConfig: boolean;
  /** A config file in place of those; '' for those. */
  readonly userConfigPath?: string;
  /** Time between two probes of a silent host. Default 10 s. */
  readonly keepaliveMs?: number;
}

/** Whether an SSH server greets us where the user's config leads. */
export async function isGreeted(
  target: SshTarget,
  settings: ConnectSettings,
  signal: AbortSignal,
): Promise<boolean> {
  checkTarget(target);
  const { programs, homeDir, userConfigPath: configPath = '' } = settings;
  const source = { programs, homeDir, configPath, signal };
  const config = settings.useUserConfig ? await readUserConfig(target, source) : undefined;
  const { stream } = await openRoute(target, config, configPath, signal);
  try {
    // RFC 4253 (4.2) allows lines before the greeting, and a proxy may say something of its own.
    for await (const chunk of stream) if (/^SSH-/m.test(String(chunk))) return true;
    return false;
  } finally {
    stream.destroy();
  }
}

/**
 * Connects and logs in once. Has no deadline of its own; the signal ends it with its reason.
 * With `justMeet` it leaves once the host's key is pinned, and the session is closed. `onData` is
 * called whenever the host has sent something before the login is over.
 */
export async function connect(
  target: SshTarget,
  settings: ConnectSettings,
  signal: AbortSignal,
  onStage: (stage: ConnectStage) => void,
  { justMeet = false, onData = () => {} }: { justMeet?: boolean; onData?: () => void } = {},
): Promise<Session> {
  checkTarget(target);
  const { programs, homeDir, report } = settings;
  const configPath = settings.userConfigPath ?? '';
  const [config, pinned] = await Promise.all([
    settings.useUserConfig ? readUserConfig(target, { programs, homeDir, configPath, signal }) : undefined,
    pinnedKeys(target.knownHostsPath, target.hostKeyAlias),
  ]);
  const isFirst = pinned.length === 0 && target.trust === 'first-use';
  const user = isFirst ? await knownToUser(target, config, homeDir) : undefined;
  const identities = justMeet
    ? { identities: [], leftOut: [] }
    : await gatherIdentities(target, config, settings);
  signal.throwIfAborted();
  onStage('way');
  const route = await openRoute(target, config, configPath, signal);
  const where = describeTarget(target);
  report.debug('ssh', `${where}: connected${route.remoteAddress === '' ? ' through a proxy' : ''}`);
  onStage('greeting');
  const client = await shakeHands(
    {
      ...{ target, route, known: { pinned, user }, identities, report, justMeet, onData },
      keepaliveMs: settings.keepaliveMs ?? KEEPALIVE_MS,
      onStage,
    },
    signal,
  );
  report.debug('ssh', `${where}: ${justMeet ? 'met' : 'logged in'}`);
  const session = new Session(client, target, route, settings.clock);
  if (justMeet) session.close();
  return session;
}

interface Handshake extends Login {
  readonly route: Route;
  readonly known: KnownKeys;
  readonly report: Report;
  readonly keepaliveMs: number;
  readonly onStage: (stage: ConnectStage) => void;
  readonly justMeet: boolean;
  readonly onData: () => void;
}

/** Speaks SSH over an open route until the user is logged in. */
function shakeHands(work: Handshake, signal: AbortSignal): Promise<Client> {
  const { target, route, known } = work;
  const client = new ssh2.Client();
  return new Promise<Client>((resolve, reject) => {
    let hostKey: { readonly blob: Buffer; readonly first: boolean } | undefined;
    let pinning: Promise<void> = Promise.resolve();
    const offered: string[] = [];
    const fail = (error: unknown) => {
      signal.removeEventListener('abort', stop);
      client.on('error', () => undefined);
      route.stream.destroy();
      reject(error);
    };
    const stop = () => fail(signal.reason);
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });

    client.on('error', (error) => {
      // After an error of the agent the next key is tried.
      if (error.level === 'agent') offered.push(`agent (${printable(error.message, 100)})`);
      else fail(loginFailure(error, work, offered, hostKey !== undefined));
    });
    client.once('close', () => fail(lostFailure(work, undefined, hostKey !== undefined)));
    // Only now has the host proved that it owns the key it showed.
    client.once('handshake', () => {
      work.onStage('login');
      if (hostKey?.first === true) pinning = pin(work, hostKey.blob);
      pinning.catch(fail);
    });
    const done = () =>
      pinning.then(() => {
        signal.removeEventListener('abort', stop);
        route.stream.off('data', work.onData);
        client.removeAllListeners();
        resolve(client);
      }, fail);
    if (work.justMeet) client.once('handshake', done);
    else client.once('ready', done);
    client.connect({
      sock: route.stream,
      username: target.user,
      readyTimeout: 0,
      keepaliveInterval: work.keepaliveMs,
      keepaliveCountMax: KEEPALIVE_PROBES,
      // With it ssh2 forwards unix sockets only for servers whose name it knows.
      strictVendor: false,
      algorithms: { serverHostKey: hostKeyAlgorithms(known) as ssh2.ServerHostKeyAlgorithm[] },
      // Also called when keys are exchanged again. The host key must be the same then.
      hostVerifier: (blob: Buffer) => {
        try {
          if (hostKey !== undefined && !hostKey.blob.equals(blob)) throw keyChanged(target, [], blob);
          hostKey ??= { blob, first: checkHostKey(target, known, blob) === 'first' };
          return true;
        } catch (error) {
          fail(error);
          return false;
        }
      },
      authHandler: work.justMeet ? () => undefined : authenticate(work, offered),
    });
    // ssh2 listens already, so nothing passes it by.
    route.stream.on('data', work.onData);
  });
}

async function pin({ target, report, justMeet }: Handshake, blob: Buffer): Promise<void> {
  const holds = await pinFirstKey(target.knownHostsPath, target.hostKeyAlias, blob);
  if (!holds.some((known) => known.blob.equals(blob))) throw keyChanged(target, holds, blob);
  const said = `The host key of ${target.machineName} is pinned from now on: ${describeKey(blob)}`;
  // Standard output belongs to the command on the host that follows.
  if (justMeet) report.warn(said);
  else report.info(said);
}

/** Hands ssh2 one identity after the other, and notes what was offered. */
function authenticate(
  { target: { user: username }, identities: { identities }, onStage }: Handshake,
  offered: string[],
): ssh2.AuthHandlerMiddleware {
  const left = [...identities];
  const refused: Buffer[] = [];
  return (_methodsLeft, _partial, use) => {
    let identity = left.shift();
    // Each key that the host refuses counts, so a file is not tried behind the agent's same key.
    while (identity?.kind === 'file' && refused.some((blob) => isKey(identity, blob)))
      identity = left.shift();
    // ssh2 ends the attempt at `false`, which its types leave out.
    if (identity === undefined) return (use as (method: unknown) => void)(false);
    offered.push(describeIdentity(identity));
    if (identity.kind === 'file') return use({ type: 'publickey', username, key: identity.key });
    const { key } = identity;
    refused.push(key.blob);
    key.onSigning = (isWaiting) => {
      onStage(isWaiting ? 'agent' : 'login');
      // The agent may not sign. The file of the same key may do then.
      if (!isWaiting && key.hasRefused) refused.splice(refused.indexOf(key.blob), 1);
    };
    use({ type: 'agent', username, agent: key });
  };
}
