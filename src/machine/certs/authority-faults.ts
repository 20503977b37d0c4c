import type { KeyPair } from '../../certs/create.ts';
import {
  authorityFault,
  type CertificateFacts,
  describeCertificate,
  isSignedWeakly,
  isTrusted,
} from '../../certs/inspect.ts';
import { isForClients } from '../../certs/read.ts';
import type { AuthorityPaths } from '../deps.ts';
import { machineError } from '../errors.ts';
import { isPair, type PairFiles, pemFault } from './certificate-files.ts';
import { DUE_BEFORE_MS } from './expiry.ts';

/** Which of the good certificates are to be renewed too: none, those that soon expire, or all. */
export type Renewal = 'expired' | 'due' | 'always';

interface Wish {
  readonly now: number;
  readonly renewal: Renewal;
}

/** Why a new one is to be made. */
export type Fault =
  | 'missing'
  | 'damaged'
  | 'expired'
  | 'due'
  | 'foreign'
  | 'wished'
  | 'purpose'
  | 'signature';

const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);

function facts(pem: string | undefined): CertificateFacts | undefined {
  try {
    return pem === undefined ? undefined : describeCertificate(pem);
  } catch {
    return undefined;
  }
}

function age(found: CertificateFacts, { now, renewal }: Wish): 'expired' | 'due' | 'wished' | undefined {
  if (found.notAfter <= now) return 'expired';
  if (renewal === 'always') return 'wished';
  return renewal === 'due' && found.notAfter - now < DUE_BEFORE_MS ? 'due' : undefined;
}

/**
 * Why a new CA is to be made, or undefined. @throws MM_CERTS_AUTHORITY for what the user must mend
 * A new CA cuts off every machine of the old one. So only ours is replaced, and only if it must be.
 */
export function caFault(found: PairFiles, paths: AuthorityPaths, wish: Wish): Fault | undefined {
  const { caCert, caKey } = paths;
  if (found.cert === undefined && found.key === undefined) return 'missing';
  const cert = facts(found.cert);
  const why = cert === undefined ? undefined : age(cert, wish);
  if (cert?.homemade === true && why !== undefined) return why;
  if (cert !== undefined && isPair(found)) checkOwn(cert, found.cert, caCert, wish);
  // Another's that is good for a while yet is no reason to stop.
  if (cert !== undefined && why !== undefined && why !== 'due') {
    throw machineError('MM_CERTS_AUTHORITY', {
      message: `The certificate authority ${caCert} ${why === 'expired' ? `has expired (on ${day(cert.notAfter)}), and it was` : 'was'} not made by mymachine, which therefore does not replace it`,
      hint: `Put the new authority's certificate and key into ${caCert} and ${caKey}, then run "mymachine regenerate-certs" for your machines.`,
    });
  }
  if (isPair(found)) return undefined;
  if (wish.renewal === 'always') return 'damaged';
  throw broken(found, paths);
}

/** @throws MM_CERTS_AUTHORITY for an authority whose certificates Docker would refuse */
function checkOwn(cert: CertificateFacts, pem: string, path: string, { now }: Wish): void {
  const fault =
    !cert.homemade && cert.notBefore > now
      ? `is not valid before ${day(cert.notBefore)}`
      : authorityFault(pem);
  if (fault === undefined) return;
  throw machineError('MM_CERTS_AUTHORITY', {
    message: `The certificate authority ${path} cannot be used: ${fault}`,
    hint: 'Give the certificate of an authority that signs for servers and clients, with --tls-ca-cert and --tls-ca-key.',
  });
}

function broken({ cert, key }: PairFiles, { caCert, caKey }: AuthorityPaths): Error {
  const certFault = cert === undefined ? undefined : pemFault(cert, 'certificate');
  const keyFault = key === undefined ? undefined : pemFault(key, 'private key');
  const message =
    cert === undefined
      ? `certificate authority key already exists: ${caKey}, but its certificate ${caCert} is missing`
      : certFault !== undefined
        ? `The certificate of the authority cannot be read: ${caCert} (${certFault})`
        : key === undefined
          ? `The key of the certificate authority is missing: ${caKey}`
          : keyFault !== undefined
            ? `The key of the certificate authority cannot be used: ${caKey} (${keyFault})`
            : `The key of the certificate authority does not belong to its certificate: ${caKey}`;
  return machineError('MM_CERTS_AUTHORITY', {
    message,
    hint:
      remedy(certFault ?? keyFault) ??
      'Put the file back from a backup (each machine\'s folder has a copy of ca.pem). Without one, have a new authority made with "mymachine regenerate-certs --new-ca" and the names of all your machines.',
  });
}

/** What mends a file that is whole. */
function remedy(fault = ''): string | undefined {
  if (fault.includes('byte order mark')) return 'Save the file as UTF-8 without a byte order mark.';
  if (!fault.includes('passphrase')) return undefined;
  return 'Put a key without a passphrase there: "openssl pkey -in KEY -out PLAIN-KEY" makes one.';
}

/** Refuses what a docker client would not take. @throws MM_CERTS_AUTHORITY */
export function checkCredential(path: string, text: string, kind: 'certificate' | 'private key'): void {
  const fault = pemFault(text, kind);
  if (fault === undefined) return;
  throw machineError('MM_CERTS_AUTHORITY', {
    message: `Docker cannot use ${path}: ${fault}`,
    hint: remedy(fault) ?? 'Put the file there that the engine was set up with.',
  });
}

const weakness = (pem: string) =>
  !isForClients(pem) ? 'purpose' : isSignedWeakly(pem) ? 'signature' : undefined;

/** Why a new client certificate is to be made, or undefined. The user's own is never replaced. */
export function clientFault(
  found: PairFiles,
  ca: KeyPair,
  paths: AuthorityPaths,
  wish: Wish,
): Fault | undefined {
  const cert = facts(found.cert);
  if (cert === undefined || found.cert === undefined) return 'missing';
  const why = isPair(found)
    ? (age(cert, wish) ?? (isTrusted(found.cert, ca.cert) ? undefined : 'foreign') ?? weakness(found.cert))
    : 'damaged';
  if (why === undefined || cert.homemade) return why;
  if (why === 'due' || why === 'wished') return undefined;
  const keyFault = found.key === undefined ? undefined : pemFault(found.key, 'private key');
  const words = {
    damaged: `does not fit the key ${paths.clientKey}${keyFault === undefined ? '' : ` (${keyFault})`}`,
    expired: `has expired (on ${day(cert.notAfter)})`,
    foreign: `is not signed by the authority ${paths.caCert}`,
    purpose: 'is none of a client: its purposes (extendedKeyUsage) lack clientAuth',
    signature: 'is signed by way of SHA-1 or MD5, which Docker refuses',
  };
  throw machineError('MM_CERTS_AUTHORITY', {
    message: `The client certificate ${paths.clientCert} ${words[why]}, and it was not made by mymachine, which therefore does not replace it`,
    hint: `Put a good one into ${paths.clientCert} and ${paths.clientKey}; or delete both files there, and one is made.`,
  });
}
