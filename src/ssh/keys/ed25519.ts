import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { sshError } from '../errors.ts';

/** An SSH key pair as ssh-keygen writes it. */
export interface SshKeyPair {
  /** The OpenSSH private key file. Secret, so its mode must be 0600. */
  readonly privateKey: string;
  /** The line for authorized_keys, `ssh-ed25519 AAAA… comment`, without a newline. */
  readonly publicKey: string;
}

/** Makes a key pair that every OpenSSH of the last ten years takes. */
export function generateKeyPair(comment: string): SshKeyPair {
  return encodeEd25519(generateKeyPairSync('ed25519').privateKey, comment);
}

/**
 * Writes an ed25519 key in OpenSSH's own format (PROTOCOL.key). ssh2 and older releases of ssh do
 * not read ed25519 keys in PKCS#8.
 */
export function encodeEd25519(key: KeyObject, comment: string): SshKeyPair {
  const jwk = key.export({ format: 'jwk' });
  if (jwk.crv !== 'Ed25519' || jwk.x === undefined || jwk.d === undefined) {
    throw sshError('MM_SSH_KEY_INVALID', {
      message: 'The key is not an ed25519 private key',
      hint: 'Make one with "ssh-keygen -t ed25519".',
    });
  }
  const pub = Buffer.from(jwk.x, 'base64url');
  const blob = Buffer.concat([field('ssh-ed25519'), field(pub)]);
  const check = randomBytes(4);
  const secret = Buffer.concat([
    check,
    check,
    blob,
    field(Buffer.concat([Buffer.from(jwk.d, 'base64url'), pub])),
    field(comment),
  ]);
  // Padding to a multiple of 8, the block size of "no cipher", is the bytes 1, 2, 3, …
  const padding = Buffer.from([1, 2, 3, 4, 5, 6, 7]).subarray(0, (8 - (secret.length % 8)) % 8);
  const file = Buffer.concat([
    Buffer.from('openssh-key-v1\0', 'latin1'),
    field('none'),
    field('none'),
    field(''),
    Buffer.from([0, 0, 0, 1]),
    field(blob),
    field(Buffer.concat([secret, padding])),
  ]);
  const body = file.toString('base64').replace(/(.{70})(?=.)/g, '$1\n');
  return {
    privateKey: `-----BEGIN OPENSSH PRIVATE KEY-----\n${body}\n-----END OPENSSH PRIVATE KEY-----\n`,
    publicKey: `ssh-ed25519 ${blob.toString('base64')}${comment === '' ? '' : ` ${comment}`}`,
  };
}

/** Turns a PKCS#8 private key (`BEGIN PRIVATE KEY`) into an older format, which ssh2 reads. */
export function fromPkcs8(pem: string): string {
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType === 'ed25519') return encodeEd25519(key, '').privateKey;
  const type = key.asymmetricKeyType === 'rsa' ? 'pkcs1' : 'sec1';
  return key.export({ type, format: 'pem' }).toString();
}

/** Encodes a `string` of SSH's wire format (RFC 4251, 5). */
function field(content: string | Buffer): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
