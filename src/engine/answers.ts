import { isObject } from '../base/json.ts';
import { isMachineError, type MachineError, messageOf } from '../base/machine-error.ts';
import { printable } from '../base/printable.ts';
import type { EngineVersion } from './contract.ts';
import { explainTls, type Situation, wireCode } from './diagnose-tls.ts';
import { engineError } from './errors.ts';

/** The newest API version that this client knows (Docker 29). */
const newestKnown = '1.52';
/** The API version of engines that do not say it: those before 17.03. */
export const oldestAssumed = '1.24';

const shape = /^(\d{1,3})\.(\d{1,4})$/;

export function isApiVersion(text: unknown): text is string {
  return typeof text === 'string' && shape.test(text);
}

/** Negative when `a` is older than `b`: 1.9 is older than 1.24. */
export function compareApiVersions(a: string, b: string): number {
  const [, majorA = 0, minorA = 0] = shape.exec(a) ?? [];
  const [, majorB = 0, minorB = 0] = shape.exec(b) ?? [];
  return Number(majorA) - Number(majorB) || Number(minorA) - Number(minorB);
}

/**
 * The version to speak: the engine's newest or ours, whichever is older.
 * An engine that no longer speaks ours gets its own oldest, which hardly differs in what we ask.
 */
export function negotiate(server: string, serverMinimum?: string): string {
  const common = compareApiVersions(server, newestKnown) < 0 ? server : newestKnown;
  if (serverMinimum === undefined || compareApiVersions(common, serverMinimum) >= 0) return common;
  return serverMinimum;
}

/** Foreign text made printable and short; '' for what is no text. */
function text(value: unknown): string {
  return typeof value === 'string' ? printable(value, 200) : '';
}

/** GET /version; undefined when it is not an engine's. */
export function readVersion(value: unknown): EngineVersion | undefined {
  if (!isObject(value) || text(value['Version']) === '') return undefined;
  const api = value['ApiVersion'];
  const minimum = value['MinAPIVersion'];
  return {
    version: text(value['Version']),
    apiVersion: isApiVersion(api) ? api : oldestAssumed,
    minApiVersion: isApiVersion(minimum) ? minimum : oldestAssumed,
    os: text(value['Os']),
    arch: text(value['Arch']),
  };
}

/** GET /containers/json; undefined when it is not an engine's. */
export function readContainers(
  value: unknown,
): readonly { readonly id: string; readonly name: string; readonly state: string }[] | undefined {
  if (!Array.isArray(value) || !value.every(isObject)) return undefined;
  return value.map((container) => {
    const names: unknown = container['Names'];
    const first: unknown = Array.isArray(names) ? names[0] : undefined;
    return {
      id: text(container['Id']),
      name: text(first).replace(/^\//, ''),
      state: text(container['State']),
    };
  });
}

/** The message of an error answer, which is JSON or plain text. */
export function readProblem(body: string): string {
  try {
    const value: unknown = JSON.parse(body);
    if (isObject(value) && typeof value['message'] === 'string')
      return printable(value['message'], 500).trim();
  } catch {
    // Proxies and other servers answer in HTML or text.
  }
  return printable(body, 300).trim();
}

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
