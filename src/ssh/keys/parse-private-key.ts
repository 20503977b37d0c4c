import ssh2, { type ParsedKey } from 'ssh2';
import { messageOf } from '../../base/machine-error.ts';
import { printable } from '../../base/printable.ts';
import { fromPkcs8 } from './ed25519.ts';
import { keyType } from './public-key.ts';

/** The content of a private key file. An encrypted one of OpenSSH's shows its public half. */
export type PrivateKey =
  | { readonly kind: 'usable'; readonly key: ParsedKey; readonly publicBlob: Buffer }
  | { readonly kind: 'encrypted'; readonly publicBlob: Buffer | undefined }
  | { readonly kind: 'invalid'; readonly why: string };

export function parsePrivateKey(content: Buffer): PrivateKey {
  const text = content.toString('utf8').trim();
  if (/^-----BEGIN ENCRYPTED PRIVATE KEY-----/m.test(text))
    return { kind: 'encrypted', publicBlob: undefined };
  try {
    const readable = text.startsWith('-----BEGIN PRIVATE KEY-----')
      ? fromPkcs8(text)
      : text.replace(/\r\n/g, '\n');
    // ssh2 gives a list of one for a file in OpenSSH's format, which its types leave out.
    const parsed: unknown = ssh2.utils.parseKey(readable);
    if (parsed instanceof Error) {
      return /encrypted/i.test(parsed.message)
        ? { kind: 'encrypted', publicBlob: publicHalf(text) }
        : { kind: 'invalid', why: printable(parsed.message, 200) };
    }
    const key = (Array.isArray(parsed) ? parsed[0] : parsed) as ParsedKey;
    if (!key.isPrivateKey()) return { kind: 'invalid', why: 'it is a public key' };
    return { kind: 'usable', key, publicBlob: key.getPublicSSH() };
  } catch (error) {
    return { kind: 'invalid', why: printable(messageOf(error), 200) };
  }
}

/** Reads the public key, which a file of OpenSSH's format (PROTOCOL.key) has unencrypted. */
function publicHalf(text: string): Buffer | undefined {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]+)-----END/.exec(text)?.[1];
  const bytes = Buffer.from(body ?? '', 'base64');
  const strings: Buffer[] = [];
  // Behind the magic: cipher, kdf, kdf options, number of keys (4 bytes), public key.
  for (let at = 15; strings.length < 4 && at + 4 <= bytes.length; ) {
    const start = (strings.length === 3 ? at + 4 : at) + 4;
    if (start > bytes.length) return undefined;
    const end = start + bytes.readUInt32BE(start - 4);
    strings.push(bytes.subarray(start, end));
    at = end;
  }
  const blob = strings[3];
  return blob !== undefined && keyType(blob) !== '' ? blob : undefined;
}
