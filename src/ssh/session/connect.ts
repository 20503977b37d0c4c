import type { Client } from 'ssh2';
import ssh2 from 'ssh2';
import { messageOf } from '../../base/machine-error.ts';
import type { Clock, Programs, Report } from '../../base/ports.ts';
import { printable } from '../../base/printable.ts';
import type { SshTarget } from '../contract.ts';
import { checkHostKey, hostKeyAlgorithms, keyChanged, knownToUser, pin } from '../keys/host-key-check.ts';
import { describeIdentity, gatherIdentities, type Identities, isKey } from '../keys/identities.ts';
import { pinnedKeys } from '../keys/known-hosts.ts';
import { whyRevoked } from '../keys/revoked-keys.ts';
import { judgeCertificate, type SystemCall } from '../system/client.ts';
import { readUserConfig } from '../system/user-config.ts';
import { checkTarget, describeTarget } from '../target.ts';
import { connectBySystem, meetBySystem, type SystemWork } from './by-system.ts';
import { type ConnectStage, loginFailure, lostFailure, sharesNothing } from './failures.ts';
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
  /** true: the system's ssh is no transport, even where ssh2 cannot log in. */
  readonly builtInOnly?: boolean;
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

/** What a contact with a host tells while it lasts. */
interface Watcher {
  readonly onStage: (stage: ConnectStage) => void;
  /** Called whenever the host has sent something before the login is over. */
  readonly onData?: () => void;
}

/** Connects and logs in once. Has no deadline of its own; the signal ends it with its reason. */
export async function connect(
  target: SshTarget,
  settings: ConnectSettings,
  signal: AbortSignal,
  watcher: Watcher,
): Promise<Session> {
  const contact = await prepare(target, settings, signal, watcher, false);
  return byEither(contact, {
    ssh2: () => connectBySsh2(contact, settings, signal),
    system: async () => {
      const connection = await connectBySystem(contact);
      return new Session(connection, target, { remoteAddress: '' }, settings.clock);
    },
  });
}

/** Sees the host's key, which is pinned if it may be, and leaves before any login. */
export async function meet(
  target: SshTarget,
  settings: ConnectSettings,
  signal: AbortSignal,
  watcher: Watcher,
): Promise<void> {
  const contact = await prepare(target, settings, signal, watcher, true);
  await byEither(contact, {
    ssh2: async () => (await connectBySsh2(contact, settings, signal)).close(),
    system: () => meetBySystem(contact),
  });
}

interface Contact extends SystemWork {
  readonly target: SshTarget;
  readonly onStage: (stage: ConnectStage) => void;
  readonly onData: () => void;
  readonly hasSystem: boolean;
}

const NO_IDENTITIES: Identities = { identities: [], leftOut: [], forSystem: [] };

async function prepare(
  target: SshTarget,
  settings: ConnectSettings,
  signal: AbortSignal,
  { onStage, onData = () => {} }: Watcher,
  justMeet: boolean,
): Promise<Contact> {
  checkTarget(target);
  const { programs, homeDir, report, sshAuthSock, useUserConfig, keepaliveMs = KEEPALIVE_MS } = settings;
  const configPath = settings.userConfigPath ?? '';
  const [config, pinned] = await Promise.all([
    useUserConfig ? readUserConfig(target, { programs, homeDir, configPath, signal }) : undefined,
    pinnedKeys(target.knownHostsPath, target.hostKeyAlias),
  ]);
  const configArgs = !useUserConfig ? ['-F', 'none'] : configPath === '' ? [] : ['-F', configPath];
  const onTouch = () => report.warn(`Touch your security key to log in to ${target.machineName}`);
  const call: SystemCall = { onTouch, target, config, configArgs, sshAuthSock, signal, onStage, onData };
  const hasSystem =
    settings.builtInOnly !== true &&
    // Windows' ssh has no masters.
    process.platform !== 'win32' &&
    (await programs.find('ssh')) !== undefined;
  const isFirst = pinned.length === 0 && target.trust === 'first-use';
  const judge = hasSystem ? () => judgeCertificate(call) : undefined;
  const user = isFirst ? await knownToUser(target, config, homeDir, judge) : undefined;
  const known = {
    ...{ pinned, user },
    whyRevoked: (blob: Buffer) => whyRevoked(config?.revokedHostKeys ?? [], blob, programs),
  };
  const identities = justMeet ? NO_IDENTITIES : await gatherIdentities(target, config, settings);
  signal.throwIfAborted();
  onStage('way');
  return {
    target,
    call,
    known,
    identities,
    report,
    programs,
    keepaliveMs,
    justMeet,
    onStage,
    onData,
    hasSystem,
  };
}

/** By ssh2, which is faster, unless the system's ssh is there and can what ssh2 cannot. */
async function byEither<T>(
  { target, call, identities, hasSystem, report }: Contact,
  ways: { readonly ssh2: () => Promise<T>; readonly system: () => Promise<T> },
): Promise<T> {
  const bySystem = (why: string) => {
    report.debug('ssh', `${describeTarget(target)}: by the system's ssh: ${why}`);
    return ways.system();
  };
  const [wanted] = [...identities.forSystem, ...(call.config?.beyondSsh2 ?? [])];
  if (hasSystem && wanted !== undefined) return bySystem(wanted);
  try {
    return await ways.ssh2();
  } catch (error) {
    if (hasSystem && sharesNothing(error)) return bySystem(messageOf(error));
    throw error;
  }
}

async function connectBySsh2(
  contact: Contact,
  settings: ConnectSettings,
  signal: AbortSignal,
): Promise<Session> {
  const { target, report, onStage, call } = contact;
  const route = await openRoute(target, call.config, settings.userConfigPath ?? '', signal);
  const where = describeTarget(target);
  report.debug('ssh', `${where}: connected${route.remoteAddress === '' ? ' through a proxy' : ''}`);
  onStage('greeting');
  const client = await shakeHands({ ...contact, route }, signal);
  report.debug('ssh', `${where}: ${contact.justMeet ? 'met' : 'logged in'}`);
  return new Session(client, target, route, settings.clock);
}

interface Handshake extends Contact {
  readonly route: Route;
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
      if (hostKey?.first === true) pinning = pin(target, work.report, work.justMeet, hostKey.blob);
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
      hostVerifier: (blob: Buffer, verified: (isGood: boolean) => void) => {
        const check = async () => {
          if (hostKey !== undefined && !hostKey.blob.equals(blob)) throw keyChanged(target, [], blob);
          hostKey ??= { blob, first: (await checkHostKey(target, known, blob)) === 'first' };
        };
        check().then(
          () => verified(true),
          (error) => {
            fail(error);
            verified(false);
          },
        );
      },
      authHandler: work.justMeet ? () => undefined : authenticate(work, offered),
    });
    // ssh2 listens already, so nothing passes it by.
    route.stream.on('data', work.onData);
  });
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
