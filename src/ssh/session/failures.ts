import { codeOf, messageOf } from '../../base/machine-error.ts';
import { printable } from '../../base/printable.ts';
import type { SshTarget } from '../contract.ts';
import { sshError } from '../errors.ts';
import { describeTarget } from '../target.ts';

/** Says what an error of a socket means for someone who wanted to log in. */
export function networkFailure(error: unknown, target: SshTarget): Error {
  const where = describeTarget(target);
  switch (codeOf(error)) {
    case 'ECONNREFUSED':
      return sshError('MM_SSH_REFUSED', {
        message: `Connection to ${where} refused: nothing listens on port ${target.port} there`,
        // Bun says ECONNREFUSED of every connection that fails at once, so the way there is among what may be wrong.
        hint: `Check the address and the SSH port, that ${target.machineName} has booted ("mymachine status ${target.machineName}"), and that sshd runs on it.`,
        cause: error,
      });
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_NODATA':
      return sshError('MM_SSH_HOST_UNKNOWN', {
        message: `The name ${printable(target.host, 200)} cannot be resolved to an address`,
        hint: `Check its spelling and this computer's DNS: "getent hosts ${printable(target.host, 200)}".`,
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
        hint: `Check this computer's network or VPN, and the address: "mymachine ip ${target.machineName}".`,
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
    hint: `Try again; if it stays so, look at the host: "mymachine status ${target.machineName}".`,
    ...(cause === undefined ? {} : { cause }),
    ...(complaint === '' ? {} : { details: complaint }),
  });
}
