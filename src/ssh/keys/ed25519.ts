import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';

/** An SSH key pair as ssh-keygen writes it. */
export interface SshKeyPair {
  /** The OpenSSH private key file. Secret, so its mode must be 0600. */
  readonly privateKey: string;
  /** The line for authorized_keys, `ssh-ed25519 AAAA… comment`, without a newline. */
  readonly publicKey: string;
}

/** The last 32 bytes of ed25519 keys in these formats are the key itself (RFC 8410). */
const PRIVATE_DER = { type: 'pkcs8', format: 'der' } as const;
const PUBLIC_DER = { type: 'spki', format: 'der' } as const;

/** Makes a key pair that every OpenSSH of the last ten years takes. */
export function generateKeyPair(comment: string): SshKeyPair {
  // Node 20 may hang for ever when it exports a key object that it has generated.
  const pair = generateKeyPairSync('ed25519', {
    privateKeyEncoding: PRIVATE_DER,
    publicKeyEncoding: PUBLIC_DER,
  });
  return encodeEd25519(pair.privateKey, pair.publicKey, comment);
}

/**
 * Writes an ed25519 key in OpenSSH's own format (PROTOCOL.key). ssh2 and older releases of ssh do
 * not read ed25519 keys in PKCS#8.
 */
function encodeEd25519(privateDer: Buffer, publicDer: Buffer, comment: string): SshKeyPair {
  const pub = publicDer.subarray(-32);
  const blob = Buffer.concat([field('ssh-ed25519'), field(pub)]);
  const check = randomBytes(4);
  const secret = Buffer.concat([
    check,
    check,
    blob,
    field(Buffer.concat([privateDer.subarray(-32), pub])),
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
  if (key.asymmetricKeyType === 'ed25519') {
    return encodeEd25519(key.export(PRIVATE_DER), createPublicKey(key).export(PUBLIC_DER), '').privateKey;
  }
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
