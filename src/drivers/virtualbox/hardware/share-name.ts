import { isAbsolute } from 'node:path';
import { virtualboxError } from '../errors.ts';

export interface Share {
  readonly folder: string;
  readonly name: string;
}

/** `DIR:NAME`. A folder of Windows has a colon of its own. */
export function parseShare(value: string): Share {
  const at = value.lastIndexOf(':');
  const share = { folder: value.slice(0, at), name: value.slice(at + 1) };
  if (at > 1 && /^[\w.-]{1,64}$/.test(share.name) && isAbsolute(share.folder)) return share;
  throw virtualboxError('MM_VBOX_FLAGS', {
    message: `--virtualbox-share-folder cannot be ${JSON.stringify(value.slice(0, 200))}`,
    hint: 'Give a full path and the name that the guest sees it under, such as /home/me/work:work.',
  });
}
