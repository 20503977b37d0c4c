import type { JsonObject } from '../base/json.ts';
import { guestError } from './errors.ts';

const MAX_BYTES = 1024 * 1024;

/** In lists the user's items follow ours, elsewhere ours win: a guest that we cannot log in to is of no use to anyone. */
const MERGE = 'list(append)+dict(no_replace,recurse_array)+str()';

/** A cloud-config document. Every JSON text is YAML too, so nothing needs to be escaped for it. */
export function cloudConfig(config: JsonObject): string {
  return `#cloud-config\n${JSON.stringify(config, null, 1)}\n`;
}

/**
 * Our cloud-config together with the user's own user data, as cloud-init takes several: a MIME message with parts.
 * The user's may be anything that cloud-init knows by its first line, or a MIME message, which becomes a part as it is.
 */
export function withUserData(ours: string, theirs: Uint8Array): Uint8Array {
  checkUserData(theirs);
  // A character for each byte, and back at the end: parts of 8 bits keep theirs.
  const text = Buffer.from(theirs).toString('latin1');
  const isMime = /^(?:mime-version|content-type):/i.test(text);
  const boundary = boundaryFor(text);
  const part = (headers: readonly string[], body: Uint8Array) =>
    [...headers, 'Content-Transfer-Encoding: base64', '', lines(Buffer.from(body).toString('base64'))].join(
      '\n',
    );
  const ourPart = part(['Content-Type: text/cloud-config; charset="utf-8"'], Buffer.from(ours));
  // A message brings its own parts, whose merging we do not touch: ours then comes last, and what comes last wins.
  const parts = isMime
    ? [text, ourPart]
    : [ourPart, part(['Content-Type: text/plain; charset="utf-8"', `Merge-Type: ${MERGE}`], theirs)];
  const message = [
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    'MIME-Version: 1.0',
    '',
    ...parts.map((content) => `--${boundary}\n${content}`),
    `--${boundary}--`,
    '',
  ].join('\n');
  return Buffer.from(message, 'latin1');
}

/** Refuses what cloud-init would only complain about inside the guest, where nobody looks. */
export function checkUserData(data: Uint8Array): void {
  if (data.length > MAX_BYTES) {
    throw guestError('MM_GUEST_USER_DATA', {
      message: `The user data is ${data.length} bytes long; at most ${MAX_BYTES} are handed over`,
      hint: 'Let it fetch the rest itself, for instance with #include and a URL.',
    });
  }
  const start = Buffer.from(data.subarray(0, 200)).toString('latin1');
  const isGzip = start.startsWith('\u001f\u008b');
  if (!isGzip && !/^(?:#|mime-version:|content-type:)/i.test(start)) {
    throw guestError('MM_GUEST_USER_DATA', {
      message: 'The user data does not begin with a line that tells cloud-init what it is',
      hint: 'Begin it with #cloud-config, or with #! for a script.',
    });
  }
}

/** A boundary that the text does not have. Not random: the same seed is to have the same bytes. */
function boundaryFor(text: string): string {
  for (let n = 0; ; n += 1) {
    const boundary = `==mymachine-${n}==`;
    if (!text.includes(boundary)) return boundary;
  }
}

function lines(base64: string): string {
  return (base64.match(/.{1,76}/g) ?? []).join('\n');
}
