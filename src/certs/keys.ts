import { createPrivateKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { messageOf } from '../base/machine-error.ts';
import { certsError } from './errors.ts';

const generate = promisify(generateKeyPair);

/** A fresh RSA 2048 key: the private half as PKCS#1 PEM ("RSA PRIVATE KEY"), the public half as SPKI PEM. */
export async function createKey(): Promise<{ readonly privateKey: string; readonly publicKey: string }> {
  return await generate('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
}

/** Reads a private key PEM of any kind; MM_CERTS_KEY when it is none, or is protected by a passphrase. */
export function readPrivateKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    const locked = /ENCRYPTED/.test(pem);
    throw certsError('MM_CERTS_KEY', {
      message: locked ? 'The private key is protected by a passphrase' : 'The private key cannot be read',
      hint: locked
        ? 'Give a key without a passphrase: "openssl rsa -in KEY -out PLAIN-KEY" makes one.'
        : 'Check the key file, or delete the certificate and its key together to have both made anew.',
      // The key itself is never part of what OpenSSL says.
      cause: new Error(messageOf(error)),
    });
  }
}
