import type { Client } from 'ssh2';
import ssh2 from 'ssh2';
import type { Clock, Programs, Report } from '../../base/ports.ts';
import { printable } from '../../base/printable.ts';
import type { SshTarget } from '../contract.ts';
import { sshError } from '../errors.ts';
import { gatherIdentities, type Identity } from '../keys/identities.ts';
import { type KnownHost, pinFirstKey, pinnedKeys } from '../keys/known-hosts.ts';
import { describeKey, fingerprint, keyType } from '../keys/public-key.ts';
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

/** Connects and logs in once. Has no deadline of its own; the signal ends it with its reason. */
export async function connect(
  target: SshTarget,
  settings: ConnectSettings,
  signal: AbortSignal,
  onStage: (stage: ConnectStage) => void,
): Promise<Session> {
  checkTarget(target);
  const { programs, homeDir, report } = settings;
  const configPath = settings.userConfigPath ?? '';
  const [config, pinned] = await Promise.all([
    settings.useUserConfig ? readUserConfig(target, { programs, homeDir, configPath, signal }) : undefined,
    pinnedKeys(target.knownHostsPath, target.hostKeyAlias),
  ]);
  const identities = await gatherIdentities(target, config, settings);
  signal.throwIfAborted();
  onStage('way');
  const route = await openRoute(target, config, configPath, signal);
  const where = describeTarget(target);
  report.debug('ssh', `${where}: connected${route.remoteAddress === '' ? ' through a proxy' : ''}`);
  onStage('greeting');
  const client = await shakeHands(
    {
      ...{ target, route, pinned, identities, report },
      keepaliveMs: settings.keepaliveMs ?? KEEPALIVE_MS,
      onHostVerified: () => onStage('login'),
    },
    signal,
  );
  report.debug('ssh', `${where}: logged in`);
  return new Session(client, target, route, settings.clock);
}

interface Handshake extends Login {
  readonly route: Route;
  readonly pinned: readonly KnownHost[];
  readonly report: Report;
  readonly keepaliveMs: number;
  /** Called when the host has proved that it owns a key that we trust. */
  readonly onHostVerified: () => void;
}

/** Speaks SSH over an open route until the user is logged in. */
function shakeHands(work: Handshake, signal: AbortSignal): Promise<Client> {
  const { target, route, pinned } = work;
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
      work.onHostVerified();
      if (hostKey?.first === true) pinning = pin(work, hostKey.blob);
      pinning.catch(fail);
    });
    client.once('ready', () => {
      pinning.then(() => {
        signal.removeEventListener('abort', stop);
        client.removeAllListeners();
        resolve(client);
      }, fail);
    });
    client.connect({
      sock: route.stream,
      username: target.user,
      readyTimeout: 0,
      keepaliveInterval: work.keepaliveMs,
      keepaliveCountMax: KEEPALIVE_PROBES,
      // With it ssh2 forwards unix sockets only for servers whose name it knows.
      strictVendor: false,
      algorithms: { serverHostKey: hostKeyAlgorithms(pinned) as ssh2.ServerHostKeyAlgorithm[] },
      // Also called when keys are exchanged again. The host key must be the same then.
      hostVerifier: (blob: Buffer) => {
        try {
          if (hostKey !== undefined && !hostKey.blob.equals(blob)) throw keyChanged(target, [], blob);
          hostKey ??= { blob, first: checkHostKey(target, pinned, blob) === 'first' };
          return true;
        } catch (error) {
          fail(error);
          return false;
        }
      },
      authHandler: authenticate(target.user, work.identities.identities, offered),
    });
  });
}

async function pin({ target, report }: Handshake, blob: Buffer): Promise<void> {
  const holds = await pinFirstKey(target.knownHostsPath, target.hostKeyAlias, blob);
  if (!holds.some((known) => known.blob.equals(blob))) throw keyChanged(target, holds, blob);
  report.info(`The host key of ${target.machineName} is pinned from now on: ${describeKey(blob)}`);
}

/** Hands ssh2 one identity after the other, and notes what was offered. */
function authenticate(
  user: string,
  identities: readonly Identity[],
  offered: string[],
): ssh2.AuthHandlerMiddleware {
  let next = 0;
  return (_methodsLeft, _partial, use) => {
    const identity = identities[next];
    next += 1;
    // ssh2 ends the attempt at `false`, which its types leave out.
    if (identity === undefined) return (use as (method: unknown) => void)(false);
    if (identity.kind === 'agent') {
      use({ type: 'agent', username: user, agent: identity.agent });
    } else {
      offered.push(`${identity.path} ${fingerprint(identity.key.getPublicSSH())}`);
      use({ type: 'publickey', username: user, key: identity.key });
    }
  };
}

/** The host key algorithms that we take, by the type of the key. */
const ALGORITHMS: Readonly<Record<string, readonly string[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  // SHA-1 signatures (ssh-rsa) are left out, as in OpenSSH since 8.8.
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};

/** The host key algorithms to offer, those of pinned keys first: a host may have several keys. */
function hostKeyAlgorithms(pinned: readonly KnownHost[]): string[] {
  return [...new Set([...pinned.map(({ type }) => type), ...Object.keys(ALGORITHMS)])].flatMap(
    (type) => ALGORITHMS[type] ?? [],
  );
}

/**
 * Compares the key that a host shows with the keys pinned for it.
 * @returns 'first' for a first key that may be pinned.
 * @throws MM_SSH_HOST_KEY_* for a key that must not be trusted.
 */
export function checkHostKey(
  target: SshTarget,
  pinned: readonly KnownHost[],
  blob: Buffer,
): 'known' | 'first' {
  if (pinned.some((known) => known.blob.equals(blob))) return 'known';
  if (pinned.length > 0) throw keyChanged(target, pinned, blob);
  if (target.trust === 'first-use') return 'first';
  throw sshError('MM_SSH_HOST_KEY_UNKNOWN', {
    message: `${target.machineName} (${target.host}) shows a host key that is not known: ${describeKey(blob)}`,
    hint: `If that is the host's key, pin it with "mymachine host-key ${target.machineName} --forget".`,
  });
}

function keyChanged(target: SshTarget, pinned: readonly KnownHost[], blob: Buffer): Error {
  // With keys of several types pinned, the host should have shown the one of the same type.
  const same = pinned.filter(({ type }) => type === keyType(blob));
  const expected = (same.length > 0 ? same : pinned).map((known) => describeKey(known.blob)).join(', ');
  return sshError('MM_SSH_HOST_KEY_CHANGED', {
    message: `The host key of ${target.machineName} (${target.host}) has changed: pinned is ${expected}, it now shows ${describeKey(blob)}`,
    hint: `Somebody may be in between, or the host was set up anew. If you know that it was, use "mymachine host-key ${target.machineName} --forget".`,
  });
}
