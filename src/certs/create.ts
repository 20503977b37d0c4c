import { buildCertificate, type Profile, type Signer, type Subject } from './build.ts';
import type { CertRequest, KeyPair } from './contract.ts';
import { certsError } from './errors.ts';
import { createKey, readPrivateKey } from './keys.ts';
import { organizationName, subjectNames } from './names.ts';
import { readCertificate } from './read-certificate.ts';

const minuteMs = 60_000;
const dayMs = 86_400_000;

export interface ServerCertRequest extends CertRequest {
  /** Names and addresses the engine is reached by. */
  readonly sans: readonly string[];
  /** The engine also acts as a client of others with it: a swarm master. */
  readonly clientAuth?: boolean;
}

function subjectOf(request: CertRequest, publicKey: string): Subject {
  // Five minutes back, for hosts whose clock is a little late.
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

async function issue(
  request: CertRequest,
  profile: Profile,
  authority: KeyPair | undefined,
): Promise<KeyPair> {
  // Read before the key is made: the wrong authority is found at once.
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

/** The certificate that clients show to an engine. MM_CERTS_READ or MM_CERTS_KEY when the authority is no usable pair. */
export async function createClientCertificate(authority: KeyPair, request: CertRequest): Promise<KeyPair> {
  const profile = {
    authority: false,
    keyUsage: ['digitalSignature'],
    extKeyUsage: ['clientAuth'],
    sans: [],
  } as const;
  return await issue(request, profile, authority);
}

/** An engine's certificate. Also MM_CERTS_NAME for a SAN that is neither a name nor an address. */
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
