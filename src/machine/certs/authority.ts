import { dirname } from 'node:path';
import { makeFolders } from '../../base/files.ts';
import type { KeyPair } from '../../certs/create.ts';
import { createAuthority, createClientCertificate } from '../../certs/create.ts';
import { storeFailure } from '../../store/errors.ts';
import { readStoreFile } from '../../store/files.ts';
import type { AuthorityPaths, MachineDeps } from '../deps.ts';
import { machineError } from '../errors.ts';
import { caFault, checkCredential, clientFault, type Renewal } from './authority-faults.ts';
import {
  finishPair,
  isPair,
  isWhole,
  keepAside,
  type PairFiles,
  readPair,
  withoutKeys,
  writePair,
} from './certificate-files.ts';

/** An authority and the certificate that this user's docker client shows. */
export interface Authority {
  readonly ca: KeyPair;
  readonly client: KeyPair;
  /** A new CA has just taken the place of another one, which engines still trust. */
  readonly replaced: boolean;
}

/** Reads the authority; undefined when something about it is to be done. */
async function readAuthority(
  deps: MachineDeps,
  paths: AuthorityPaths,
  renewal: Renewal,
): Promise<Authority | undefined> {
  const [ca, client] = await Promise.all([
    readPair(paths.caCert, paths.caKey),
    readPair(paths.clientCert, paths.clientKey),
  ]);
  const now = deps.clock.now();
  if (!isPair(ca) || caFault(ca, paths, { now, renewal }) !== undefined) return undefined;
  if (!isPair(client) || clientFault(client, ca, paths, { now, renewal }) !== undefined) return undefined;
  return { ca, client, replaced: false };
}

/**
 * A record may name any file, and so may an option. Outside the store only a pair is replaced, and
 * one is made only where an option says so and nothing is there.
 */
function refuseElsewhere(deps: MachineDeps, cert: string, key: string, found: PairFiles): void {
  const given = Object.values(deps.authority);
  const isStores = (path: string) => dirname(path) === deps.store.paths.certs;
  if ((isStores(cert) && isStores(key)) || isPair(found)) return;
  const isFree = found.cert === undefined && found.key === undefined;
  if (isFree && given.includes(cert) && given.includes(key)) return;
  throw machineError('MM_CERTS_AUTHORITY', {
    message: `${cert} and ${key} are no certificate with its key, and nothing outside the store is replaced`,
    hint: 'Put the right files there, or name with the --tls-* options files that are to be made.',
  });
}

async function makeAuthority(deps: MachineDeps, paths: AuthorityPaths, renewal: Renewal): Promise<Authority> {
  const { certDir, caCert, caKey, clientCert, clientKey } = paths;
  const now = deps.clock.now();
  const makeFolder = () =>
    makeFolders(certDir, 0o700).catch((error) => {
      throw storeFailure(error, certDir);
    });
  const found = await finishPair(caCert, caKey);
  const fault = caFault(found, paths, { now, renewal });
  let ca: KeyPair;
  if (isWhole(found) && fault === undefined) ca = found;
  else {
    refuseElsewhere(deps, caCert, caKey, found);
    await makeFolder();
    deps.report.info(`Creating CA: ${caCert}`);
    await keepAside(caKey, now);
    await keepAside(caCert, now);
    ca = await createAuthority({ organization: deps.userName, now });
    await writePair(caCert, caKey, ca);
  }
  const replaced = fault !== undefined && fault !== 'missing';
  const old = await finishPair(clientCert, clientKey);
  if (isWhole(old) && clientFault(old, ca, paths, { now, renewal }) === undefined) {
    return { ca, client: old, replaced };
  }
  refuseElsewhere(deps, clientCert, clientKey, old);
  await makeFolder();
  deps.report.info(`Creating client certificate: ${clientCert}`);
  const client = await createClientCertificate(ca, { organization: `${deps.userName}.<bootstrap>`, now });
  await writePair(clientCert, clientKey, client);
  return { ca, client, replaced };
}

/**
 * The authority at `paths`, made when it is missing or has expired. `renewal` may wish it sooner.
 * Processes that ask at the same time get the same one.
 * An authority that somebody else made is never replaced: MM_CERTS_AUTHORITY.
 */
export async function ensureAuthority(
  deps: MachineDeps,
  paths: AuthorityPaths = deps.authority,
  renewal: Renewal = 'expired',
): Promise<Authority> {
  const found = renewal === 'always' ? undefined : await readAuthority(deps, paths, renewal);
  if (found !== undefined) return found;
  return deps.store.withTopic('certs', async () => {
    const meanwhile = renewal === 'always' ? undefined : await readAuthority(deps, paths, renewal);
    return meanwhile ?? (await makeAuthority(deps, paths, renewal));
  });
}

/** Whether `ensureAuthority` would replace the CA that is there. Nothing is changed. */
export async function wouldReplaceAuthority(
  deps: MachineDeps,
  paths: AuthorityPaths,
  renewal: Renewal,
): Promise<boolean> {
  const found = await readPair(paths.caCert, paths.caKey);
  const fault = caFault(found, paths, { now: deps.clock.now(), renewal });
  return fault !== undefined && fault !== 'missing';
}

/** What a client shows and trusts. The authority's key is not needed for it. */
export interface ClientCredentials {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** The files that the --tls-* options name. Missing ones are made. */
export async function clientCredentials(deps: MachineDeps): Promise<ClientCredentials> {
  const { caCert, clientCert, clientKey } = deps.authority;
  const [text, pair] = await Promise.all([readStoreFile(caCert), readPair(clientCert, clientKey)]);
  const ca = text === undefined ? undefined : withoutKeys(text);
  if (ca !== undefined && isWhole(pair)) {
    checkCredential(caCert, ca, 'certificate');
    checkCredential(clientCert, pair.cert, 'certificate');
    checkCredential(clientKey, pair.key, 'private key');
    return { ca, ...pair };
  }
  const authority = await ensureAuthority(deps);
  return { ca: authority.ca.cert, ...authority.client };
}
