import {
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { promisify } from 'node:util';
import type forge from 'node-forge';
import { certsError } from './errors.ts';
import { organizationName, type SubjectName, subjectNames } from './names.ts';
import { readCertificate, readPrivateKey } from './read.ts';

const minuteMs = 60_000;
const dayMs = 86_400_000;

/** A certificate and its private key in PEM. Keys are RSA 2048 PKCS#1, as docker-machine's. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

interface CertRequest {
  /** The subject's O, its only attribute. */
  readonly organization: string;
  /** Milliseconds since the epoch. NotBefore is five minutes earlier, cut to the minute. */
  readonly now: number;
  /** Default 1080. */
  readonly days?: number;
}

interface ServerCertRequest extends CertRequest {
  /** Names and addresses that the engine is reached by. */
  readonly sans: readonly string[];
}

function subjectOf(request: CertRequest, publicKey: string): Subject {
  // Five minutes back, for hosts whose clock is late.
  const start = Math.floor(request.now / minuteMs) * minuteMs - 5 * minuteMs;
  return {
    organization: organizationName(request.organization),
    publicKey,
    notBefore: new Date(start),
    notAfter: new Date(start + (request.days ?? 1080) * dayMs),
  };
}

function signerOf(authority: KeyPair): Signer {
  const cert = readCertificate(authority.cert);
  const key = readPrivateKey(authority.key);
  if (!cert.checkPrivateKey(key)) {
    throw certsError('MM_CERTS_KEY', {
      message: 'The CA key does not belong to the CA certificate',
      hint: 'Restore the pair ca.pem and ca-key.pem from one backup, or delete both and run "mymachine regenerate-certs --client-certs".',
    });
  }
  return { key, certDer: cert.raw };
}

/** A new RSA 2048 key: the private half as PKCS#1 PEM, the public half as SPKI PEM. */
function createKey(): Promise<{ readonly privateKey: string; readonly publicKey: string }> {
  return promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
}

async function issue(
  request: CertRequest,
  profile: Profile,
  authority: KeyPair | undefined,
): Promise<KeyPair> {
  // Before the key is made: a wrong authority then fails at once.
  const signer = authority === undefined ? undefined : signerOf(authority);
  const key = await createKey();
  const cert = await buildCertificate(
    subjectOf(request, key.publicKey),
    profile,
    signer ?? { key: readPrivateKey(key.privateKey), certDer: undefined },
  );
  return { cert, key: key.privateKey };
}

/** A self-signed CA with docker-machine's properties. */
export function createAuthority(request: CertRequest): Promise<KeyPair> {
  const keyUsage = ['digitalSignature', 'keyEncipherment', 'keyAgreement', 'keyCertSign'] as const;
  return issue(request, { authority: true, keyUsage, extKeyUsage: [], sans: [] }, undefined);
}

/** The certificate that clients show to an engine. @throws MM_CERTS_READ, MM_CERTS_KEY */
export async function createClientCertificate(authority: KeyPair, request: CertRequest): Promise<KeyPair> {
  const profile = {
    authority: false,
    keyUsage: ['digitalSignature'],
    extKeyUsage: ['clientAuth'],
    sans: [],
  } as const;
  return await issue(request, profile, authority);
}

/** An engine's certificate. @throws MM_CERTS_READ, MM_CERTS_KEY, MM_CERTS_NAME for a wrong SAN */
export async function createServerCertificate(
  authority: KeyPair,
  request: ServerCertRequest,
): Promise<KeyPair> {
  const profile: Profile = {
    authority: false,
    keyUsage: ['digitalSignature', 'keyEncipherment', 'keyAgreement'],
    extKeyUsage: ['serverAuth'],
    sans: subjectNames(request.sans),
  };
  return await issue(request, profile, authority);
}

type Forge = typeof forge;

/** Documented by forge, missing from its types. */
interface ForgeUntyped {
  getTBSCertificate(cert: forge.pki.Certificate): forge.asn1.Asn1;
}

/** The signer's key, and its certificate in DER unless it signs itself. */
interface Signer {
  readonly key: KeyObject;
  readonly certDer: Buffer | undefined;
}

/** What differs between the three kinds of certificate. */
interface Profile {
  readonly authority: boolean;
  readonly keyUsage: readonly ('digitalSignature' | 'keyEncipherment' | 'keyAgreement' | 'keyCertSign')[];
  readonly extKeyUsage: readonly ('serverAuth' | 'clientAuth')[];
  readonly sans: readonly SubjectName[];
}

interface Subject {
  readonly organization: string;
  /** SPKI PEM of an RSA key. */
  readonly publicKey: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** Positive and of one length: the first byte is between 0x40 and 0x7f. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}

function extensions(profile: Profile, issuerKeyId: string | undefined): object[] {
  const list: object[] = [
    { name: 'basicConstraints', critical: true, cA: profile.authority },
    {
      name: 'keyUsage',
      critical: true,
      ...Object.fromEntries(profile.keyUsage.map((usage) => [usage, true])),
    },
    { name: 'subjectKeyIdentifier' },
  ];
  if (profile.extKeyUsage.length > 0) {
    list.push({
      name: 'extKeyUsage',
      ...Object.fromEntries(profile.extKeyUsage.map((usage) => [usage, true])),
    });
  }
  if (profile.sans.length > 0) {
    const altNames = profile.sans.map((san) =>
      san.kind === 'dns'
        ? { type: 2, value: san.text }
        : { type: 7, value: Buffer.from(san.bytes).toString('latin1') },
    );
    list.push({ name: 'subjectAltName', altNames });
  }
  if (issuerKeyId !== undefined) list.push({ name: 'authorityKeyIdentifier', keyIdentifier: issuerKeyId });
  return list;
}

/** The fields of TBSCertificate (RFC 5280, 4.1), without the version, an optional tag [0]. */
function tbsFields(asn1: forge.asn1.Asn1): forge.asn1.Asn1[] {
  const tbs = (asn1.value as forge.asn1.Asn1[])[0];
  const fields = [...((tbs?.value ?? []) as forge.asn1.Asn1[])];
  if (fields[0]?.tagClass === 0x80) fields.shift();
  return fields;
}

/** The signer's subject and key identifier. Go compares subjects byte for byte. */
function issuerOf(forge: Forge, certDer: Buffer) {
  const fields = tbsFields(forge.asn1.fromDer(certDer.toString('latin1')));
  const subject = fields[4];
  if (subject === undefined) {
    throw certsError('MM_CERTS_READ', { message: 'The CA certificate has no subject' });
  }
  const wrapped = fields.find((field) => field.tagClass === 0x80 && field.type === 3);
  const list = (wrapped?.value as forge.asn1.Asn1[] | undefined)?.[0]?.value ?? [];
  for (const extension of list as forge.asn1.Asn1[]) {
    const parts = extension.value as forge.asn1.Asn1[];
    if (forge.asn1.derToOid(parts[0]?.value as string) !== '2.5.29.14') continue;
    const inner = forge.asn1.fromDer(parts.at(-1)?.value as string);
    return { subject, keyId: inner.value as string };
  }
  return { subject, keyId: undefined };
}

/** Our CAs are RSA. One that the user brings may be of another kind. */
function signatureAlgorithm(forge: Forge, key: KeyObject): { asn1: forge.asn1.Asn1; hash: string | null } {
  const { asn1 } = forge;
  const algorithm = (oid: string, ...parameters: forge.asn1.Asn1[]) =>
    asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, [
      asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OID, false, asn1.oidToDer(oid).getBytes()),
      ...parameters,
    ]);
  const none = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.NULL, false, '');
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return { asn1: algorithm('1.2.840.113549.1.1.11', none), hash: 'sha256' };
    case 'ec':
      return { asn1: algorithm('1.2.840.10045.4.3.2'), hash: 'sha256' };
    case 'ed25519':
      return { asn1: algorithm('1.3.101.112'), hash: null };
    default:
      throw certsError('MM_CERTS_KEY', {
        message: `A CA key of type ${String(key.asymmetricKeyType)} cannot sign certificates here`,
        hint: 'Use a CA with an RSA, EC or Ed25519 key.',
      });
  }
}

/** Gives PEM. forge writes the structure; OpenSSL signs, some twenty times faster than forge. */
export async function buildCertificate(subject: Subject, profile: Profile, signer: Signer): Promise<string> {
  const { default: forge } = await import('node-forge');
  const { asn1, pki } = forge;
  const issuer = signer.certDer === undefined ? undefined : issuerOf(forge, signer.certDer);
  const cert = pki.createCertificate();
  cert.publicKey = pki.publicKeyFromPem(subject.publicKey);
  cert.serialNumber = serialNumber();
  cert.validity.notBefore = subject.notBefore;
  cert.validity.notAfter = subject.notAfter;
  // As Go does: a PrintableString where its few characters suffice, else UTF-8.
  const type = /^[A-Za-z0-9 '()+,./:=?-]*$/.test(subject.organization)
    ? asn1.Type.PRINTABLESTRING
    : asn1.Type.UTF8;
  cert.setSubject([
    // forge's types do not allow the tag to be a number.
    {
      name: 'organizationName',
      value: subject.organization,
      valueTagClass: type as unknown as forge.asn1.Class,
    },
  ]);
  cert.setExtensions(extensions(profile, issuer?.keyId));

  // forge wants an algorithm before it writes. It is replaced below.
  cert.siginfo.algorithmOid = '1.2.840.113549.1.1.11';
  const tbs = (pki as typeof pki & ForgeUntyped).getTBSCertificate(cert);
  const fields = tbs.value as forge.asn1.Asn1[];
  const algorithm = signatureAlgorithm(forge, signer.key);
  fields[2] = algorithm.asn1;
  const own = fields[5];
  if (own !== undefined) fields[3] = issuer?.subject ?? own;
  const tbsDer = Buffer.from(asn1.toDer(tbs).getBytes(), 'latin1');
  const signature = sign(algorithm.hash, tbsDer, signer.key);

  const whole = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, [
    tbs,
    algorithm.asn1,
    asn1.create(asn1.Class.UNIVERSAL, asn1.Type.BITSTRING, false, `\0${signature.toString('latin1')}`),
  ]);
  const der = Buffer.from(asn1.toDer(whole).getBytes(), 'latin1');
  const made = new X509Certificate(der);
  // One library builds, another verifies: a faulty certificate never leaves this function.
  if (!made.verify(createPublicKey(signer.key))) {
    throw certsError('MM_CERTS_KEY', { message: 'The certificate just made does not verify' });
  }
  return made.toString();
}
