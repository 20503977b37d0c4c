import type { JsonObject } from '../base/json.ts';
import { guestError } from './errors.ts';

const MAX_BYTES = 1024 * 1024;

/** In lists the user's items follow ours. Elsewhere ours win, so that we can log in. */
const MERGE = 'list(append)+dict(no_replace,recurse_array)+str()';

/** A cloud-config document. JSON is YAML too, so nothing needs escaping. */
export function cloudConfig(config: JsonObject): string {
  return `#cloud-config\n${JSON.stringify(config, null, 1)}\n`;
}

/**
 * Our cloud-config and the user's own user data in one MIME message.
 * The user's may be anything that cloud-init knows by its first line. A MIME message is kept.
 */
export function withUserData(ours: string, theirs: Uint8Array): Uint8Array {
  checkUserData(theirs);
  // One character for each byte, and back at the end: 8-bit parts stay as they are.
  const text = Buffer.from(theirs).toString('latin1');
  const isMime = /^(?:mime-version|content-type):/i.test(text);
  const boundary = boundaryFor(text);
  const part = (headers: readonly string[], body: Uint8Array) =>
    [...headers, 'Content-Transfer-Encoding: base64', '', lines(Buffer.from(body).toString('base64'))].join(
      '\n',
    );
  const ourPart = part(['Content-Type: text/cloud-config; charset="utf-8"'], Buffer.from(ours));
  // A message has its own parts, whose merging stays. The last part wins, so ours is last.
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

/** Refuses what cloud-init would complain about inside the guest, where nobody looks. */
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

/** A boundary that the text does not have. Not random: the same input gives the same bytes. */
function boundaryFor(text: string): string {
  for (let n = 0; ; n += 1) {
    const boundary = `==mymachine-${n}==`;
    if (!text.includes(boundary)) return boundary;
  }
}

function lines(base64: string): string {
  return (base64.match(/.{1,76}/g) ?? []).join('\n');
}
