import { X509Certificate } from 'node:crypto';
import { certsError } from './errors.ts';

const maxPemLength = 1024 * 1024;

/** Reads the first certificate of a PEM text; MM_CERTS_READ when there is none. */
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

/** When it begins and ends to be valid, in milliseconds since the epoch; MM_CERTS_READ. */
export function certificateDates(pem: string): { readonly notBefore: number; readonly notAfter: number } {
  const cert = readCertificate(pem);
  return { notBefore: Date.parse(cert.validFrom), notAfter: Date.parse(cert.validTo) };
}
