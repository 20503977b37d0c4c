import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { messageOf } from '../base/machine-error.ts';
import { certsError } from './errors.ts';

const maxPemLength = 1024 * 1024;

/** Reads the first certificate of a PEM text. @throws MM_CERTS_READ */
export function readCertificate(pem: string): X509Certificate {
  try {
    if (pem.length > maxPemLength) throw new Error('larger than 1 MiB');
    return new X509Certificate(pem);
  } catch (error) {
    throw certsError('MM_CERTS_READ', {
      message: 'The certificate cannot be read: it is not a PEM certificate',
      hint: 'Restore the file from a backup, or have it made anew with "mymachine regenerate-certs --client-certs".',
      cause: error,
    });
  }
}

/** When it begins and ends to be valid, in milliseconds since the epoch. */
export function certificateDates(pem: string): { readonly notBefore: number; readonly notAfter: number } {
  const cert = readCertificate(pem);
  return { notBefore: Date.parse(cert.validFrom), notAfter: Date.parse(cert.validTo) };
}

const FOR_CLIENTS: readonly string[] = ['1.3.6.1.5.5.7.3.2', '2.5.29.37.0'];

/** Whether engines take it for a client's: it names that purpose, or none at all. */
export function isForClients(pem: string): boolean {
  const purposes: readonly string[] | undefined = readCertificate(pem).keyUsage;
  return purposes === undefined || purposes.some((oid) => FOR_CLIENTS.includes(oid));
}

/** Any kind of private key, from PEM. @throws MM_CERTS_KEY, also for one with a passphrase */
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
      // OpenSSL's message never holds the key itself.
      cause: new Error(messageOf(error)),
    });
  }
}
