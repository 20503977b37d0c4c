import { createHash } from 'node:crypto';

/** SHA-256 fingerprint as OpenSSH prints it: `SHA256:` and base64 without padding. */
export function fingerprint(blob: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

/** `SHA256:…` of a public key's line (`type base64 [comment]`). undefined when it is none. */
export function fingerprintOfLine(line: string): string | undefined {
  const blob = blobOfLine(line);
  return blob === undefined ? undefined : fingerprint(blob);
}

/** The wire format of a public key's line (`type base64 [comment]`). undefined when it is none. */
export function blobOfLine(line: string): Buffer | undefined {
  const [type, base64] = line.trim().split(/\s+/);
  if (type === undefined || base64 === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined;
  const blob = Buffer.from(base64, 'base64');
  return keyType(blob) === type ? blob : undefined;
}

/** The type in a public key's wire format (RFC 4253, 6.6), such as `ssh-ed25519`. '' for none. */
export function keyType(blob: Uint8Array): string {
  const bytes = Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength);
  if (bytes.length < 5) return '';
  const length = bytes.readUInt32BE(0);
  if (length === 0 || length > 64 || bytes.length < 4 + length) return '';
  const type = bytes.toString('latin1', 4, 4 + length);
  return /^[a-z0-9@.-]+$/i.test(type) ? type : '';
}

/** `SHA256:… (ED25519)`, as OpenSSH prints a key. */
export function describeKey(blob: Uint8Array): string {
  const type = keyType(blob)
    .replace(/^ssh-/, '')
    .replace(/^ecdsa-.*/, 'ecdsa')
    .toUpperCase();
  return `${fingerprint(blob)} (${type})`;
}
