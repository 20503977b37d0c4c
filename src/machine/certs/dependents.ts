import { isSignedBy } from '../../certs/inspect.ts';
import { readStoreFile } from '../../store/files.ts';
import type { StoredMachine } from '../../store/store.ts';
import type { AuthorityPaths, MachineDeps } from '../deps.ts';
import { enginePortOf, knownDriver } from '../load.ts';
import { Machine } from '../machine.ts';
import { type ClientCredentials, ensureAuthority, wouldReplaceAuthority } from './authority.ts';
import type { Renewal } from './authority-faults.ts';
import { isPair, readPair } from './certificate-files.ts';
import { authorityPathsOf } from './expiry.ts';
import { copyClientCertificates } from './machine-certs.ts';

async function readable(deps: MachineDeps): Promise<readonly StoredMachine[]> {
  const all = await deps.store.loadAll();
  return all
    .filter((one): one is StoredMachine => !('error' in one))
    .sort((a, b) => a.name.localeCompare(b.name));
}

const heldCa = (deps: MachineDeps, name: string) =>
  readStoreFile(`${deps.store.paths.machine(name)}/ca.pem`).catch(() => undefined);

const same = (a: string | undefined, b: string | undefined) =>
  a !== undefined && b !== undefined && a.trim() === b.trim();

/** Whether certificates of a new authority can be brought to the machine's engine. */
async function hasCertificates(
  deps: MachineDeps,
  stored: StoredMachine,
  phases: readonly string[] = ['ready'],
): Promise<boolean> {
  const driver = await knownDriver(deps, stored);
  if (driver?.traits.provision !== true || !phases.includes(stored.meta?.phase ?? 'ready')) return false;
  return enginePortOf(driver, stored.config) !== 0;
}

/** Machines whose engines still trust another authority than the one at their authority's path. */
export async function leftBehind(deps: MachineDeps): Promise<readonly string[]> {
  const names = (await readable(deps)).map(async (stored) => {
    const [held, current] = await Promise.all([
      heldCa(deps, stored.name),
      readStoreFile(authorityPathsOf(deps, stored).caCert).catch(() => undefined),
    ]);
    const behind = held !== undefined && current !== undefined && !same(held, current);
    return behind && (await hasCertificates(deps, stored)) ? [stored.name] : [];
  });
  return (await Promise.all(names)).flat();
}

/** Machines other than `except` whose engines trust the authority at `paths`. */
async function dependentsOf(
  deps: MachineDeps,
  paths: AuthorityPaths,
  except: readonly string[],
): Promise<readonly string[]> {
  const current = await readStoreFile(paths.caCert);
  const names = (await readable(deps)).map(async (stored) => {
    if (except.includes(stored.name) || authorityPathsOf(deps, stored).caCert !== paths.caCert) return [];
    const trusts = current === undefined || same(await heldCa(deps, stored.name), current);
    return trusts && (await hasCertificates(deps, stored)) ? [stored.name] : [];
  });
  return (await Promise.all(names)).flat();
}

/**
 * The authorities of these machines, each once.
 * An expired one counts only where we look after the engine. An early renewal counts for all.
 */
async function authoritiesOf(
  deps: MachineDeps,
  names: readonly string[],
  renewal: Renewal,
): Promise<readonly AuthorityPaths[]> {
  const found = new Map<string, AuthorityPaths>();
  for (const name of names) {
    const stored = await deps.store.load(name);
    const paths = authorityPathsOf(deps, stored);
    const isWished =
      renewal !== 'expired' || (await hasCertificates(deps, stored, ['ready', 'provisioning']));
    if (isWished) found.set(JSON.stringify(paths), paths);
  }
  return [...found.values()];
}

/** The other machines that a renewal will cut off. undefined when no authority is replaced. */
export async function foreseeReplacement(
  deps: MachineDeps,
  names: readonly string[],
  renewal: Renewal,
): Promise<{ readonly others: readonly string[] } | undefined> {
  const replaced: AuthorityPaths[] = [];
  for (const paths of await authoritiesOf(deps, names, renewal)) {
    if (await wouldReplaceAuthority(deps, paths, renewal)) replaced.push(paths);
  }
  const others = await Promise.all(replaced.map((paths) => dependentsOf(deps, paths, names)));
  return replaced.length === 0 ? undefined : { others: [...new Set(others.flat())].sort() };
}

/** Makes the authorities of these machines good, before any of them is worked on. */
export async function ensureAuthoritiesOf(
  deps: MachineDeps,
  names: readonly string[],
  renewal: Renewal = 'expired',
): Promise<void> {
  const done = new Set<string>();
  for (const paths of await authoritiesOf(deps, names, renewal)) {
    // Two clients of one CA: it is made anew once.
    await ensureAuthority(deps, paths, done.has(paths.caCert) ? 'expired' : renewal);
    done.add(paths.caCert);
  }
}

export async function warnOfLeftBehind(deps: MachineDeps): Promise<void> {
  const names = await leftBehind(deps);
  if (names.length === 0) return;
  deps.report.warn(
    `Still with the former certificate authority: ${names.join(', ')}. Bring over to the new one with: mymachine regenerate-certs ${names.join(' ')}`,
  );
}

/**
 * Copies a renewed client certificate into the folders of all machines of the same authority.
 * Certificates that somebody else put there stay.
 */
export async function spreadClientCertificates(deps: MachineDeps): Promise<void> {
  for (const stored of await readable(deps)) {
    const renewed = () => newerClient(deps, stored).catch(() => undefined);
    if ((await renewed()) === undefined) continue;
    await deps.store.withMachine(stored.name, async () => {
      const files = await renewed();
      if (files !== undefined) await copyClientCertificates(await Machine.open(deps, stored.name), files);
    });
  }
}

async function newerClient(deps: MachineDeps, stored: StoredMachine): Promise<ClientCredentials | undefined> {
  const paths = authorityPathsOf(deps, stored);
  const [ca, held, cert, client] = await Promise.all([
    readStoreFile(paths.caCert),
    heldCa(deps, stored.name),
    readStoreFile(`${deps.store.paths.machine(stored.name)}/cert.pem`),
    readPair(paths.clientCert, paths.clientKey),
  ]);
  if (ca === undefined || cert === undefined || !same(ca, held) || same(cert, client.cert)) return undefined;
  if (!isPair(client) || !isSignedBy(client.cert, ca) || !isSignedBy(cert, ca)) return undefined;
  return { ca, ...client };
}
