import { isObject } from '../base/json.ts';
import { printable } from '../base/printable.ts';
import type { EngineVersion } from './contract.ts';

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
