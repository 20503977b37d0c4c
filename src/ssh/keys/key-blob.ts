import { createHash } from 'node:crypto';

/** SHA-256 fingerprint as OpenSSH prints it: `SHA256:` and base64 without padding. */
export function fingerprint(blob: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

/** The type a public key in SSH wire format names itself by (RFC 4253, 6.6), such as `ssh-ed25519`; '' when it is none. */
export function keyType(blob: Uint8Array): string {
  const bytes = Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength);
  if (bytes.length < 5) return '';
  const length = bytes.readUInt32BE(0);
  if (length === 0 || length > 64 || bytes.length < 4 + length) return '';
  const type = bytes.toString('latin1', 4, 4 + length);
  return /^[a-z0-9@.-]+$/i.test(type) ? type : '';
}

/** A public key's type in capitals as ssh-keygen prints it: ED25519, ECDSA, RSA. */
export function shortKeyType(type: string): string {
  return type
    .replace(/^ssh-/, '')
    .replace(/^ecdsa-.*/, 'ecdsa')
    .toUpperCase();
}

/** The wire format in base64, or undefined when the text is not a key of that type. */
export function decodeBlob(type: string, base64: string): Buffer | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined;
  const blob = Buffer.from(base64, 'base64');
  return keyType(blob) === type ? blob : undefined;
}
