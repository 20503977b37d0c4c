import { mkdir, readFile, rename, stat } from 'node:fs/promises';
import type { KeyPair } from '../certs/contract.ts';
import { createAuthority, createClientCertificate } from '../certs/create.ts';
import { describeCertificate, isSignedBy, matchesKey } from '../certs/inspect.ts';
import { writeAtomic } from '../store/atomic-write.ts';
import { storeFailure } from '../store/errors.ts';
import type { MachineDeps } from './deps.ts';
import { machineError } from './errors.ts';

/** The store's own authority and the certificate that this user's docker client shows. */
export interface Authority {
  readonly ca: KeyPair;
  readonly client: KeyPair;
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw storeFailure(error, path);
  }
}

async function readPair(certPath: string, keyPath: string): Promise<Partial<KeyPair>> {
  const [cert, key] = await Promise.all([readText(certPath), readText(keyPath)]);
  return { ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) };
}

function isWhole(pair: Partial<KeyPair>): pair is KeyPair {
  return pair.cert !== undefined && pair.key !== undefined;
}

function isValid(pair: Partial<KeyPair>, now: number): pair is KeyPair {
  try {
    return isWhole(pair) && matchesKey(pair.cert, pair.key) && describeCertificate(pair.cert).notAfter > now;
  } catch {
    return false;
  }
}

/** A key is on disk before its certificate, so that a certificate is never there without its key. */
async function writePair(certPath: string, keyPath: string, pair: KeyPair): Promise<void> {
  await writeAtomic(keyPath, pair.key, 0o600);
  await writeAtomic(certPath, pair.cert, 0o644);
}

/** Keeps a file that is about to be replaced: somebody may still have certificates signed with it. */
async function setAside(path: string, now: number): Promise<void> {
  const there = await stat(path).catch(() => undefined);
  if (there !== undefined)
    await rename(path, `${path}.${new Date(now).toISOString().replace(/[:.]/g, '')}.bak`);
}

/** Reads the authority; undefined when a part is missing, expired, or does not fit the others. */
async function readAuthority(deps: MachineDeps): Promise<Authority | undefined> {
  const { caCert, caKey, clientCert, clientKey } = deps.authority;
  const [ca, client] = await Promise.all([readPair(caCert, caKey), readPair(clientCert, clientKey)]);
  const now = deps.clock.now();
  if (!isValid(ca, now) || !isValid(client, now) || !isSignedBy(client.cert, ca.cert)) return undefined;
  return { ca, client };
}

async function makeAuthority(deps: MachineDeps): Promise<Authority> {
  const { certDir, caCert, caKey, clientCert, clientKey } = deps.authority;
  const now = deps.clock.now();
  await mkdir(certDir, { recursive: true, mode: 0o700 }).catch((error) => {
    throw storeFailure(error, certDir);
  });
  const found = await readPair(caCert, caKey);
  let ca: KeyPair;
  if (isValid(found, now)) ca = found;
  else {
    if (found.cert !== undefined && found.key === undefined && describesValid(found.cert, now)) {
      throw machineError('MM_CERTS_AUTHORITY', {
        message: `the key of the certificate authority is missing: ${caKey}`,
        hint: `Put it back; or, to begin again with a new authority, delete ${caCert} and run "mymachine regenerate-certs" for every machine.`,
      });
    }
    deps.report.info(`Creating CA: ${caCert}`);
    await setAside(caKey, now);
    await setAside(caCert, now);
    ca = await createAuthority({ organization: deps.userName, now });
    await writePair(caCert, caKey, ca);
  }
  const old = await readPair(clientCert, clientKey);
  if (isValid(old, now) && isSignedBy(old.cert, ca.cert)) return { ca, client: old };
  deps.report.info(`Creating client certificate: ${clientCert}`);
  const client = await createClientCertificate(ca, { organization: `${deps.userName}.<bootstrap>`, now });
  await writePair(clientCert, clientKey, client);
  return { ca, client };
}

function describesValid(cert: string, now: number): boolean {
  try {
    return describeCertificate(cert).notAfter > now;
  } catch {
    return false;
  }
}

/**
 * The store's authority, made when it is missing or expired. Any number of processes may ask at once: they find one
 * authority, and every certificate chains to it.
 */
export async function ensureAuthority(deps: MachineDeps): Promise<Authority> {
  const found = await readAuthority(deps);
  if (found !== undefined) return found;
  return deps.store.withTopic(
    'certs',
    async () => (await readAuthority(deps)) ?? (await makeAuthority(deps)),
  );
}

/** What a client shows and trusts. The authority's key is not needed for it, and may be somebody else's. */
export interface ClientCredentials {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** The files that --tls-ca-cert, --tls-client-cert and --tls-client-key name, made when they are not there. */
export async function clientCredentials(deps: MachineDeps): Promise<ClientCredentials> {
  const { caCert, clientCert, clientKey } = deps.authority;
  const [ca, pair] = await Promise.all([readText(caCert), readPair(clientCert, clientKey)]);
  if (ca !== undefined && isWhole(pair)) return { ca, ...pair };
  const authority = await ensureAuthority(deps);
  return { ca: authority.ca.cert, ...authority.client };
}
