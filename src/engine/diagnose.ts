import { isMachineError, type MachineError, messageOf } from '../base/machine-error.ts';
import { printable } from '../base/printable.ts';
import { explainTls, type Situation, wireCode } from './diagnose-tls.ts';
import { engineError } from './errors.ts';

/** Bun's sockets, in the executable, say ECONNREFUSED for every connection that fails at once. */
const RUNS_ON_BUN = process.versions['bun'] !== undefined;

/** Whether the engine is on this computer, to which there always is a way. */
function isLoopback({ endpoint }: Situation): boolean {
  return endpoint.kind !== 'stream' && /^(?:127\.[\d.]+|::1|localhost)$/.test(endpoint.host);
}

/** Says what a failed connection means for the user. MachineErrors (of SSH) stay as they are. */
export function explain(error: unknown, situation: Situation, isBun = RUNS_ON_BUN): MachineError {
  if (isMachineError(error)) return error;
  const { where, machineName, endpoint } = situation;
  const code = wireCode(error);
  const start = `Is the machine running? Look with "mymachine status ${machineName}"; start it with "mymachine start ${machineName}".`;
  switch (code) {
    case 'ECONNREFUSED':
      if (isBun && !isLoopback(situation)) {
        return engineError('MM_ENGINE_REFUSED', {
          message: `No connection to ${where}: nothing listens there, or there is no way to it`,
          hint: `Is the machine running? Look with "mymachine status ${machineName}"; if it is, its engine is not: "mymachine provision ${machineName}"; otherwise "mymachine start ${machineName}".`,
          cause: error,
        });
      }
      return engineError('MM_ENGINE_REFUSED', {
        message: `Nothing listens at ${where}: the connection was refused`,
        hint: `If the machine is running, its engine is not: "mymachine provision ${machineName}"; otherwise "mymachine start ${machineName}".`,
        cause: error,
      });
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EHOSTDOWN':
    case 'ENETDOWN':
    case 'EADDRNOTAVAIL':
      return engineError('MM_ENGINE_UNREACHABLE', {
        message: `There is no way to ${where} (${code})`,
        hint: start,
        cause: error,
      });
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_NONAME':
    case 'EAI_NODATA':
    case 'EAI_FAIL':
      return engineError('MM_ENGINE_NAME', {
        message: `The host name in ${where} cannot be resolved`,
        hint: `Check the name and this computer's DNS; the machine's settings are shown by "mymachine inspect ${machineName}".`,
        cause: error,
      });
  }
  const tls = endpoint.kind === 'tls' ? explainTls(code, situation, endpoint, error) : undefined;
  return (
    tls ??
    engineError('MM_ENGINE_PROTOCOL', {
      message: `The connection to ${where} broke: ${printable(messageOf(error), 200)}`,
      hint: `Check that a Docker Engine listens there; its state: "mymachine ssh ${machineName} systemctl status docker".`,
      cause: error,
    })
  );
}
