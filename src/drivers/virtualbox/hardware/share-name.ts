import { isAbsolute } from 'node:path';

export interface Share {
  readonly folder: string;
  readonly name: string;
}

/** `DIR:NAME`, or undefined for what is none. A folder of Windows has a colon of its own. */
export function parseShare(value: string): Share | undefined {
  const at = value.lastIndexOf(':');
  const share = { folder: value.slice(0, at), name: value.slice(at + 1) };
  return at > 1 && /^[\w.-]{1,64}$/.test(share.name) && isAbsolute(share.folder) ? share : undefined;
}
