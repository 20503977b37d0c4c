import { isIP } from 'node:net';
import { canonicalIpv6 } from './names.ts';
import { certificateDates, readCertificate, readPrivateKey } from './read.ts';

const dayMs = 86_400_000;

export interface CertificateFacts {
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** DNS names and addresses, IPv6 in canonical form. */
  readonly sans: readonly string[];
  /** The O of subject and issuer, '' when there is none. */
  readonly organization: string;
  readonly issuerOrganization: string;
  readonly isAuthority: boolean;
  /** Has our form, which is docker-machine's: an O alone in subject and issuer. */
  readonly homemade: boolean;
  /** SHA-256 of the DER, upper-case hex pairs with colons. */
  readonly fingerprint256: string;
  readonly serialNumber: string;
}

/** Node writes `DNS:a, IP Address:192.0.2.1`, odd values in JSON quotes, IPv6 in full capitals. */
function readSans(text: string): readonly string[] {
  const entries = text.matchAll(/(?:^|, )(DNS|IP Address):(?:("(?:[^"\\]|\\.)*")|([^,]*))/g);
  return [...entries].map(([, , quoted, plain = '']) => {
    const value = quoted === undefined ? plain : String(JSON.parse(quoted));
    return value.includes(':') && isIP(value) === 6 ? canonicalIpv6(value) : value;
  });
}

/** Node writes a name as lines of RFC 2253, with a backslash before special characters. */
function organizationOf(name: string): string {
  return (/^O=(.*)$/m.exec(name)?.[1] ?? '').replace(/\\(.)/g, '$1');
}

/** Whether a name is one O. Our names have no line breaks, so none can begin another one. */
function isPlain(name: string): boolean {
  return /^O=[^\n]*$/.test(name);
}

export function describeCertificate(pem: string): CertificateFacts {
  const cert = readCertificate(pem);
  return {
    ...certificateDates(pem),
    sans: readSans(cert.subjectAltName ?? ''),
    organization: organizationOf(cert.subject),
    issuerOrganization: organizationOf(cert.issuer),
    isAuthority: cert.ca,
    homemade: isPlain(cert.subject) && isPlain(cert.issuer),
    fingerprint256: cert.fingerprint256,
    serialNumber: cert.serialNumber,
  };
}

/** Whether `caPem`'s key made the signature of `certPem`. Says nothing of dates. */
export function isSignedBy(certPem: string, caPem: string): boolean {
  const cert = readCertificate(certPem);
  const ca = readCertificate(caPem);
  return cert.checkIssued(ca) && cert.verify(ca.publicKey);
}

/** Whether the two belong together. @throws MM_CERTS_READ, MM_CERTS_KEY */
export function matchesKey(certPem: string, keyPem: string): boolean {
  return readCertificate(certPem).checkPrivateKey(readPrivateKey(keyPem));
}

/** Whole days until the certificate expires: 0 on its last day, negative after it. */
export function daysLeft(certPem: string, now: number): number {
  return Math.floor((Date.parse(readCertificate(certPem).validTo) - now) / dayMs);
}
