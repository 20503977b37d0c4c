import { isIP } from 'node:net';
import { readPrivateKey } from './keys.ts';
import { canonicalIpv6 } from './names.ts';
import { certificateDates, readCertificate } from './read-certificate.ts';

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
  /** Has the form that we (and docker-machine) give to ours: an O alone in subject and issuer. */
  readonly homemade: boolean;
  /** SHA-256 of the DER, upper-case hex pairs with colons. */
  readonly fingerprint256: string;
  readonly serialNumber: string;
}

/**
 * Node writes the names as `DNS:a, IP Address:10.0.0.1`, and in JSON quotes where a value holds something odd; IPv6 comes
 * in full and in capitals.
 */
function readSans(text: string): readonly string[] {
  const entries = text.matchAll(/(?:^|, )(DNS|IP Address):(?:("(?:[^"\\]|\\.)*")|([^,]*))/g);
  return [...entries].map(([, , quoted, plain = '']) => {
    const value = quoted === undefined ? plain : String(JSON.parse(quoted));
    return value.includes(':') && isIP(value) === 6 ? canonicalIpv6(value) : value;
  });
}

/** Node writes a name as lines of RFC 2253, where a backslash stands before special characters. */
function organizationOf(name: string): string {
  return (/^O=(.*)$/m.exec(name)?.[1] ?? '').replace(/\\(.)/g, '$1');
}

/** One attribute, an O; an escaped line break cannot begin another, since names of ours have none. */
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

/** Whether the two belong together; MM_CERTS_READ or MM_CERTS_KEY when one cannot be read. */
export function matchesKey(certPem: string, keyPem: string): boolean {
  return readCertificate(certPem).checkPrivateKey(readPrivateKey(keyPem));
}

/** Whole days until the certificate expires: 0 on its last day, negative afterwards. */
export function daysLeft(certPem: string, now: number): number {
  return Math.floor((Date.parse(readCertificate(certPem).validTo) - now) / dayMs);
}
