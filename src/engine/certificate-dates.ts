import type { X509Certificate } from 'node:crypto';
import type { CertificateDates } from './contract.ts';

export function datesOfCertificate(
  cert: Pick<X509Certificate, 'validFrom' | 'validTo'>,
): CertificateDates | undefined {
  const [notBefore, notAfter] = [Date.parse(cert.validFrom), Date.parse(cert.validTo)];
  return Number.isNaN(notBefore) || Number.isNaN(notAfter) ? undefined : { notBefore, notAfter };
}
