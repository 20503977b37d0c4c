import ssh2, { type Client } from 'ssh2';
import { isMachineError, messageOf } from '../../base/machine-error.ts';
import type { Report } from '../../base/ports.ts';
import { printable } from '../../base/printable.ts';
import type { SshTarget } from '../contract.ts';
import { sshError } from '../errors.ts';
import { checkHostKey, describe, hostKeyAlgorithms, keyChanged } from '../keys/host-key-check.ts';
import { pinFirstKey } from '../keys/host-keys.ts';
import type { Identities, Identity } from '../keys/identities.ts';
import { fingerprint } from '../keys/key-blob.ts';
import type { KnownHostsLine } from '../keys/known-hosts.ts';
import { describeTarget } from '../target.ts';
import { closedFailure } from './failures.ts';
import type { Route } from './route.ts';

/** A dead host is noticed when this many probes in a row stay unanswered. */
const KEEPALIVE_PROBES = 3;

export interface Handshake {
  readonly target: SshTarget;
  readonly route: Route;
  readonly known: readonly KnownHostsLine[];
  readonly identities: Identities;
  readonly report: Report;
  readonly keepaliveMs: number;
  /** Told when the host has shown a key that we trust: from then on it is the login that takes the time. */
  readonly onHostVerified: () => void;
}

/** Speaks SSH over an open way until the user is logged in. The signal breaks it off with its reason. */
export function shakeHands(work: Handshake, signal: AbortSignal): Promise<Client> {
  const { target, route, known } = work;
  const client = new ssh2.Client();
  return new Promise<Client>((resolve, reject) => {
    let hostKey: { readonly blob: Buffer; readonly first: boolean } | undefined;
    let pinned: Promise<void> = Promise.resolve();
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
      // The agent's trouble is not the end: the next key is tried.
      if (error.level === 'agent') offered.push(`agent (${printable(error.message, 100)})`);
      else fail(loginFailure(error, work, offered, hostKey !== undefined));
    });
    client.once('close', () => fail(lost(work, undefined, hostKey !== undefined)));
    // Only now has the host proved that it owns the key it showed.
    client.once('handshake', () => {
      work.onHostVerified();
      if (hostKey?.first === true) pinned = pin(work, hostKey.blob);
      pinned.catch(fail);
    });
    client.once('ready', () => {
      pinned.then(() => {
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
      // Decides whether unix sockets may be forwarded by the name of the server; the server itself knows better.
      strictVendor: false,
      algorithms: {
        serverHostKey: hostKeyAlgorithms(known, target.hostKeyAlias) as ssh2.ServerHostKeyAlgorithm[],
      },
      // Also called when keys are exchanged anew, when the key must still be the same.
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
      authHandler: authenticate(target.user, work.identities.identities, offered),
    });
  });
}

async function pin({ target, report }: Handshake, blob: Buffer): Promise<void> {
  const holds = await pinFirstKey(target.knownHostsPath, target.hostKeyAlias, blob);
  if (!holds.some((entry) => entry.blob.equals(blob))) throw keyChanged(target, holds, blob);
  report.info(`The host key of ${target.machineName} is pinned from now on: ${describe(blob)}`);
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

function loginFailure(
  error: Error & { level?: string; code?: unknown },
  work: Handshake,
  offered: readonly string[],
  reached: boolean,
): Error {
  const { target, route } = work;
  if (isMachineError(error)) return error;
  if (error.level === 'client-authentication' || /too many authentication failures/i.test(error.message)) {
    return authFailure(work, offered);
  }
  if (/^Connection lost before handshake|Keepalive/.test(error.message) || error.level === 'client-socket') {
    return lost(work, error, reached);
  }
  if (
    error.level === 'handshake' ||
    error.level === 'protocol' ||
    /protocol|identification|handshake/i.test(error.message)
  ) {
    return sshError('MM_SSH_PROTOCOL', {
      message: `What answers at ${describeTarget(target)} does not speak SSH with us: ${printable(messageOf(error), 300)}`,
      hint: `Check the SSH port, and what answers there: "ssh -v -p ${target.port} ${target.host}".`,
      cause: error,
      details: route.complaint(),
    });
  }
  return lost(work, error, reached);
}

/** The connection ended. Before the host has shown itself, that is the proxy's failure, if there is one. */
function lost({ target, route }: Handshake, error: Error | undefined, reached: boolean): Error {
  if (!route.isProxy || reached) return closedFailure(target, error, route.complaint());
  return sshError('MM_SSH_PROXY', {
    message: `The proxy in your ssh config does not get through to ${describeTarget(target)}`,
    hint: `Check ProxyJump and ProxyCommand in what "ssh -G ${target.host}" prints.`,
    ...(error === undefined ? {} : { cause: error }),
    ...(route.complaint() === '' ? {} : { details: route.complaint() }),
  });
}

function authFailure({ target, identities }: Handshake, offered: readonly string[]): Error {
  const agentKeys = identities.identities.flatMap((identity) =>
    identity.kind === 'agent' ? identity.agent.offered.map((blob) => `agent key ${fingerprint(blob)}`) : [],
  );
  const tried = [...agentKeys, ...offered];
  const left = identities.leftOut.length === 0 ? '' : `; not tried: ${identities.leftOut.join(', ')}`;
  return sshError('MM_SSH_AUTH', {
    message: printable(
      `${describeTarget(target)} does not let '${target.user}' in (tried: ${tried.join(', ') || 'no key at all'}${left})`,
      1500,
    ),
    hint: `Check the user, and add the key's public half to ~${target.user}/.ssh/authorized_keys on ${target.machineName}.`,
  });
}
