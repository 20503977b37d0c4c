import type { X509Certificate } from 'node:crypto';
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

/** Curves of Go's crypto/x509, as OpenSSL calls them. */
const CURVES: readonly string[] = ['secp224r1', 'prime256v1', 'secp384r1', 'secp521r1'];
/** Critical extensions that it understands: RFC 5280's of X.509 itself. */
const EXTENSIONS: readonly string[] = ['2.5.29.15', '2.5.29.17', '2.5.29.19', '2.5.29.30', '2.5.29.37'];

/** Why Docker, by crypto/x509 of Go, takes nothing that this one signed; undefined: it does. */
export function authorityFault(pem: string): string | undefined {
  const cert = readCertificate(pem);
  const { asymmetricKeyType = 'unknown', asymmetricKeyDetails = {} } = cert.publicKey;
  const { modulusLength = 1024, namedCurve = 'of its own' } = asymmetricKeyDetails;
  if (modulusLength < 1024) return `its key has only ${modulusLength} bits`;
  if (asymmetricKeyType === 'ec' && !CURVES.includes(namedCurve))
    return `its key is on the curve ${namedCurve}`;
  const extensions = extensionsOf(cert.raw);
  // The first version of certificates had none, and cannot say what it is for.
  if (extensions !== undefined && !cert.ca) return "it is no authority's, or may not sign";
  const odd = extensions?.find(({ isCritical, oid }) => isCritical && !EXTENSIONS.includes(oid));
  if (odd !== undefined) return `it has a critical extension that nobody knows (${odd.oid})`;
  const purposes: readonly string[] | undefined = cert.keyUsage;
  const lacks = (oid: string) => purposes?.some((one) => one === oid || one === '2.5.29.37.0') === false;
  if (lacks('1.3.6.1.5.5.7.3.2')) return 'it is not for clients';
  return lacks('1.3.6.1.5.5.7.3.1') ? 'it is not for servers' : undefined;
}

interface Extension {
  readonly oid: string;
  readonly isCritical: boolean;
}

/** Extensions of a certificate in DER (RFC 5280, 4.1); undefined for version 1, without any. */
function extensionsOf(der: Uint8Array): readonly Extension[] | undefined {
  const [body] = elements(elements(der)[0]?.content ?? der);
  const parts = elements(body?.content ?? der);
  if (parts[0]?.tag !== 0xa0) return undefined;
  const [list] = elements(parts.find(({ tag }) => tag === 0xa3)?.content ?? new Uint8Array());
  return elements(list?.content ?? new Uint8Array()).map(({ content }) => {
    const [oid, critical] = elements(content);
    return { oid: oidOf(oid?.content ?? new Uint8Array()), isCritical: critical?.tag === 1 };
  });
}

/** The elements of DER that OpenSSL has read before. */
function elements(der: Uint8Array): readonly { readonly tag: number; readonly content: Uint8Array }[] {
  const found: { tag: number; content: Uint8Array }[] = [];
  for (let at = 0; at + 1 < der.length; ) {
    const tag = der[at] ?? 0;
    let length = der[at + 1] ?? 0;
    at += 2;
    if (length > 0x80) {
      const end = at + length - 0x80;
      for (length = 0; at < end; at++) length = length * 256 + (der[at] ?? 0);
    }
    found.push({ tag, content: der.subarray(at, at + length) });
    at += length;
  }
  return found;
}

function oidOf(content: Uint8Array): string {
  const numbers: number[] = [];
  let number = 0;
  for (const byte of content) {
    number = number * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    numbers.push(number);
    number = 0;
  }
  const [first = 0, ...rest] = numbers;
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - root * 40, ...rest].join('.');
}

/** Whether `caPem`'s key made the signature of `certPem`. Says nothing of dates. */
export function isSignedBy(certPem: string, caPem: string): boolean {
  const cert = readCertificate(certPem);
  const ca = readCertificate(caPem);
  return cert.checkIssued(ca) && cert.verify(ca.publicKey);
}

/**
 * Whether a chain leads from the first certificate of one file, by way of its others, to one of
 * `caPem`. So TLS sends and trusts them. Says nothing of dates.
 */
export function isTrusted(certPem: string, caPem: string): boolean {
  const anchors = certificatesOf(caPem);
  const [first, ...others] = certificatesOf(certPem);
  const issuedBy = (cert: X509Certificate) => (ca: X509Certificate) =>
    cert.checkIssued(ca) && cert.verify(ca.publicKey);
  let left: readonly X509Certificate[] = others;
  for (let at = first; at !== undefined; ) {
    if (anchors.some(issuedBy(at))) return true;
    const next = left.find(issuedBy(at));
    left = left.filter((one) => one !== next);
    at = next;
  }
  return false;
}

/** All that can be read: like Go, without those that cannot. */
function certificatesOf(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/^-----BEGIN CERTIFICATE-----[\s\S]*?^-----END CERTIFICATE-----/gm) ?? [];
  return blocks.slice(0, 100).flatMap((block) => {
    try {
      return [readCertificate(block)];
    } catch {
      return [];
    }
  });
}

/** RSA and ECDSA with MD5 or SHA-1, which Go refuses in all but an authority's own signature. */
const WEAK = ['1.2.840.113549.1.1.4', '1.2.840.113549.1.1.5', '1.2.840.10045.4.1'];

export function isSignedWeakly(pem: string): boolean {
  const [, algorithm] = elements(elements(readCertificate(pem).raw)[0]?.content ?? new Uint8Array());
  return WEAK.includes(
    oidOf(elements(algorithm?.content ?? new Uint8Array())[0]?.content ?? new Uint8Array()),
  );
}

/** Whether the two belong together. @throws MM_CERTS_READ, MM_CERTS_KEY */
export function matchesKey(certPem: string, keyPem: string): boolean {
  return readCertificate(certPem).checkPrivateKey(readPrivateKey(keyPem));
}

/** Whole days until the certificate expires: 0 on its last day, negative after it. */
export function daysLeft(certPem: string, now: number): number {
  return Math.floor((Date.parse(readCertificate(certPem).validTo) - now) / dayMs);
}
