import { isObject } from '../base/json.ts';
import { printable } from '../base/printable.ts';
import { isApiVersion, oldestAssumed } from './api-version.ts';
import type { EngineVersion } from './contract.ts';

/** Foreign text as we hand it on: printable and short; '' for anything that is no text. */
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

/** What an engine says in an answer that is an error: JSON with a message, or plain text. */
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
