import type { CopySide } from '../ssh/openssh.ts';
import { usageError } from './args/errors.ts';

/** `[[user@]machine:]path` as docker-machine reads it: without a colon, or with `localhost:`, a path of this computer. */
export interface CopyPath {
  readonly machine: string | undefined;
  readonly user: string | undefined;
  readonly path: string;
}

export function parseCopyPath(text: string, platform: NodeJS.Platform): CopyPath {
  const colon = text.indexOf(':');
  // C:\Users is no machine called C.
  const isDrive = platform === 'win32' && colon === 1;
  if (colon < 0 || isDrive) return { machine: undefined, user: undefined, path: text };
  const [host = '', path] = [text.slice(0, colon), text.slice(colon + 1)];
  if (host === 'localhost') return { machine: undefined, user: undefined, path };
  const at = host.indexOf('@');
  const machine = at < 0 ? host : host.slice(at + 1);
  const user = at < 0 ? undefined : host.slice(0, at);
  if (machine === '' || user === '' || user?.startsWith('-') === true) {
    throw usageError('MM_ARGUMENTS', {
      message: `${JSON.stringify(text.slice(0, 100))} is not [[user@]machine:]path`,
      hint: 'A path of this computer with a colon in it is written ./like:this.',
    });
  }
  return { machine, user, path };
}

export function localSide(path: string): CopySide {
  return { kind: 'local', path };
}
