import { codeOf, isMachineError, messageOf } from '../../base/machine-error.ts';
import { printable } from '../../base/printable.ts';
import type { SshTarget } from '../contract.ts';
import { sshError } from '../errors.ts';
import { describeIdentity, type Identities } from '../keys/identities.ts';
import { describeTarget } from '../target.ts';

/** How far an attempt to connect has come. */
export type ConnectStage = 'way' | 'greeting' | 'login' | 'agent' | 'touch';

/** An attempt to log in, as far as its failures tell of it. */
export interface Login {
  readonly target: SshTarget;
  readonly route: { readonly isProxy: boolean; readonly complaint: () => string };
  readonly identities: Identities;
}

/** The time is over. `stage` is what was waited for, `time` how long. */
export function connectTimeout(target: SshTarget, stage: ConnectStage, time: string): Error {
  const where = describeTarget(target);
  const text = {
    way: {
      said: `No answer from ${where}`,
      hint: 'Check the address, and whether a firewall drops packets to the SSH port.',
    },
    greeting: {
      said: `Something at ${where} takes connections but does not answer as an SSH server`,
      hint: 'The host may be overloaded or still booting, or the port may belong to another service. Try again, or check the SSH port.',
    },
    login: {
      said: `${where} did not finish the login`,
      hint: 'The host may be overloaded, or its sshd waits for a name server. Try again.',
    },
    agent: {
      said: `The SSH agent of this computer did not sign the login at ${where}`,
      hint: 'It may wait for you to unlock it or to confirm. Try it with "ssh-add -l"; without SSH_AUTH_SOCK no agent is asked.',
    },
    touch: {
      said: `The security key was not touched for the login at ${where}`,
      hint: `Touch it when it blinks, and try again. "ssh -v ${printable(target.host, 200)}" shows what ssh waits for.`,
    },
  }[stage];
  return sshError('MM_SSH_TIMEOUT', { message: `${text.said} within ${time}`, hint: text.hint });
}

/** Says what an error of a socket means for someone who wanted to log in. */
export function networkFailure(error: unknown, target: SshTarget): Error {
  const where = describeTarget(target);
  switch (codeOf(error)) {
    case 'ECONNREFUSED':
      return sshError('MM_SSH_REFUSED', {
        message: `Connection to ${where} refused: nothing listens on port ${target.port} there`,
        // Bun says ECONNREFUSED of every connection that fails at once, so the hint starts with the
        // way.
        hint: `Check the address and the SSH port, that ${target.machineName} has booted (mymachine status ${target.machineName}), and that sshd runs on it.`,
        cause: error,
      });
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_NODATA':
      return sshError('MM_SSH_HOST_UNKNOWN', {
        message: `The name ${printable(target.host, 200)} cannot be resolved to an address`,
        hint: `Check its spelling and this computer's DNS with "getent hosts ${printable(target.host, 200)}".`,
        cause: error,
      });
    case 'ETIMEDOUT':
      return sshError('MM_SSH_TIMEOUT', {
        message: `No answer from ${where}: the system gave the connection up`,
        hint: 'Check the address, and whether a firewall drops packets to the SSH port.',
        cause: error,
      });
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EHOSTDOWN':
    case 'ENETDOWN':
    case 'EADDRNOTAVAIL':
    case 'EACCES':
    case 'EPERM':
      return sshError('MM_SSH_UNREACHABLE', {
        message: `No way to ${where}: ${messageOf(error)}`,
        hint: `Check this computer's network or VPN, and the address, which "mymachine ip ${target.machineName}" shows.`,
        cause: error,
      });
    default:
      return closedFailure(target, error, '');
  }
}

/** The connection ended before its time. `complaint` is what a proxy or the host said last. */
export function closedFailure(target: SshTarget, cause: unknown, complaint: string): Error {
  const why = cause === undefined ? '' : `: ${printable(messageOf(cause), 300)}`;
  return sshError('MM_SSH_CLOSED', {
    message: `The SSH connection to ${describeTarget(target)} was closed${why}`,
    hint: `Try again. If it stays so, look at the host: "mymachine status ${target.machineName}".`,
    ...(cause === undefined ? {} : { cause }),
    ...(complaint === '' ? {} : { details: complaint }),
  });
}

/** What a host and ssh2 may fail to agree on, and the line of sshd_config(5) that helps. */
const NO_SHARED = [
  {
    said: /no matching key exchange/,
    what: 'key exchange algorithm',
    line: 'KexAlgorithms +curve25519-sha256',
  },
  { said: /no matching.*cipher/, what: 'cipher', line: 'Ciphers +aes256-gcm@openssh.com' },
  { said: /no matching.*MAC/, what: 'MAC', line: 'MACs +hmac-sha2-256-etm@openssh.com' },
  { said: /no matching host key/, what: 'type of host key', line: 'HostKey /etc/ssh/ssh_host_ed25519_key' },
];

/** Whether a login has failed for want of a common algorithm. The system's ssh has others. */
export function sharesNothing(error: unknown): boolean {
  return (
    isMachineError(error, 'MM_SSH_PROTOCOL') &&
    NO_SHARED.some(({ said }) => said.test(messageOf(error.cause)))
  );
}

/**
 * Says what an error of ssh2 before the end of a login means.
 * @param offered the keys that the host was offered.
 * @param reached whether the host has shown its key.
 */
export function loginFailure(
  error: Error & { level?: string; code?: unknown },
  login: Login,
  offered: readonly string[],
  reached: boolean,
): Error {
  const { target, route } = login;
  if (isMachineError(error)) return error;
  const isLimit = /too many authentication failures/i.test(error.message);
  if (isLimit || error.level === 'client-authentication') return authFailure(login, offered, isLimit);
  const isLost =
    /^Connection lost before handshake|Keepalive/.test(error.message) || error.level === 'client-socket';
  const isProtocol =
    error.level === 'handshake' ||
    error.level === 'protocol' ||
    /protocol|identification|handshake/i.test(error.message);
  if (isLost || !isProtocol) return lostFailure(login, error, reached);
  const shared = NO_SHARED.find(({ said }) => said.test(error.message));
  if (shared !== undefined) {
    return sshError('MM_SSH_PROTOCOL', {
      message: `${describeTarget(target)} has no ${shared.what} in common with us`,
      hint: `Allow one more in the sshd_config of ${target.machineName}: "${shared.line}". ssh itself may know those that the host has.`,
      cause: error,
    });
  }
  return sshError('MM_SSH_PROTOCOL', {
    message: `What answers at ${describeTarget(target)} does not speak SSH with us: ${printable(messageOf(error), 300)}`,
    hint: `Check the SSH port, and what answers there, with "ssh -v -p ${target.port} ${target.host}".`,
    cause: error,
    details: route.complaint(),
  });
}

/**
 * The connection ended. Before the host has shown its key, that is the fault of a proxy, if any.
 */
export function lostFailure({ target, route }: Login, error: Error | undefined, reached: boolean): Error {
  if (!route.isProxy || reached) return closedFailure(target, error, route.complaint());
  return sshError('MM_SSH_PROXY', {
    message: `The proxy in your ssh config does not get through to ${describeTarget(target)}`,
    hint: `Check ProxyJump and ProxyCommand in the output of "ssh -G ${target.host}".`,
    ...(error === undefined ? {} : { cause: error }),
    ...(route.complaint() === '' ? {} : { details: route.complaint() }),
  });
}

export function authFailure(
  { target, identities: { identities, leftOut, forSystem } }: Login,
  tried: readonly string[],
  isLimit: boolean,
): Error {
  const untried = isLimit ? identities.map(describeIdentity).filter((key) => !tried.includes(key)) : [];
  const not = [...untried, ...leftOut, ...forSystem.map((what) => `${what}: needs the system's ssh`)];
  const left = not.length === 0 ? '' : `; not tried: ${not.join(', ')}`;
  if (isLimit) {
    return sshError('MM_SSH_AUTH', {
      message: printable(
        `${describeTarget(target)} ends the login of '${target.user}' after ${tried.length} keys, its limit (tried: ${tried.join(', ')}${left})`,
        1500,
      ),
      hint: `Name the right key: "IdentityFile" and "IdentitiesOnly yes" for ${target.host} in your ssh config, or an option such as --generic-ssh-key at create. The limit is MaxAuthTries in the host's sshd_config.`,
    });
  }
  return sshError('MM_SSH_AUTH', {
    message: printable(
      `${describeTarget(target)} does not let '${target.user}' in (tried: ${tried.join(', ') || 'no key at all'}${left})`,
      1500,
    ),
    hint: `Check the user, and add the key's public half to ~${target.user}/.ssh/authorized_keys on ${target.machineName}.`,
  });
}
