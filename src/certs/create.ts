import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { buildCertificate, type Profile, type Signer, type Subject } from './build.ts';
import { certsError } from './errors.ts';
import { organizationName, subjectNames } from './names.ts';
import { readCertificate, readPrivateKey } from './read.ts';

const minuteMs = 60_000;
const dayMs = 86_400_000;

/** A certificate and its private key in PEM. Keys are RSA 2048 PKCS#1, as docker-machine's. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export interface CertRequest {
  /** The subject's O, its only attribute. */
  readonly organization: string;
  /** Milliseconds since the epoch. NotBefore is five minutes earlier, cut to the minute. */
  readonly now: number;
  /** Default 1080. */
  readonly days?: number;
}

export interface ServerCertRequest extends CertRequest {
  /** Names and addresses that the engine is reached by. */
  readonly sans: readonly string[];
  /** Set for a swarm master, whose engine is a client of others too. */
  readonly clientAuth?: boolean;
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

/**
 * The certificate that clients show to an engine.
 * @throws MM_CERTS_READ, MM_CERTS_KEY when the authority is no usable pair
 */
export async function createClientCertificate(authority: KeyPair, request: CertRequest): Promise<KeyPair> {
  const profile = {
    authority: false,
    keyUsage: ['digitalSignature'],
    extKeyUsage: ['clientAuth'],
    sans: [],
  } as const;
  return await issue(request, profile, authority);
}

/**
 * An engine's certificate.
 * @throws MM_CERTS_READ, MM_CERTS_KEY, and MM_CERTS_NAME for a SAN that is no name or address
 */
export async function createServerCertificate(
  authority: KeyPair,
  request: ServerCertRequest,
): Promise<KeyPair> {
  const profile: Profile = {
    authority: false,
    keyUsage: ['digitalSignature', 'keyEncipherment', 'keyAgreement'],
    extKeyUsage: request.clientAuth === true ? ['serverAuth', 'clientAuth'] : ['serverAuth'],
    sans: subjectNames(request.sans),
  };
  return await issue(request, profile, authority);
}
