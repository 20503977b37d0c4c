import type { KeyPair } from '../../certs/create.ts';
import { createServerCertificate } from '../../certs/create.ts';
import { describeCertificate, isSignedBy } from '../../certs/inspect.ts';
import { subjectName } from '../../certs/names.ts';
import { isForClients } from '../../certs/read.ts';
import { writeStoreFile } from '../../store/files.ts';
import type { Machine } from '../machine.ts';
import type { Authority } from './authority.ts';
import { isPair, readPair } from './certificate-files.ts';
import { DUE_BEFORE_MS } from './expiry.ts';

/** Names and addresses of the machine's engine: those asked for, the driver's, and localhost. */
export async function wantedSans(machine: Machine): Promise<readonly string[]> {
  const { address } = await machine.lastLook();
  const asked = machine.config.HostOptions.AuthOptions.ServerCertSANs;
  const own = [address, ...(machine.trait('sans') ?? [])];
  return [...new Set([...asked, ...own, 'localhost'].filter((name) => name !== ''))];
}

/** undefined when it is missing or damaged: a new one replaces it. */
async function readServerPair(machine: Machine): Promise<KeyPair | undefined> {
  const files = [machine.file('server.pem'), machine.file('server-key.pem')] as const;
  const pair = await readPair(...files).catch(() => undefined);
  return pair !== undefined && isPair(pair) ? pair : undefined;
}

/** Why the certificate cannot stay, or undefined when it can. */
function fault(
  pair: KeyPair,
  authority: Authority,
  sans: readonly string[],
  now: number,
): string | undefined {
  const found = describeCertificate(pair.cert);
  if (!isSignedBy(pair.cert, authority.ca.cert)) return 'it was signed by another authority';
  // As docker-machine made them for swarm masters. It lets root there into every engine.
  if (isForClients(pair.cert)) return "it is also a client's";
  if (found.notAfter - now < DUE_BEFORE_MS) return 'it expires within 30 days';
  const held = new Set(found.sans.map((san) => san.toLowerCase()));
  // docker-machine wrote names as they were given. Ours have their standard form.
  const isHeld = (san: string) =>
    held.has(san.toLowerCase()) || held.has(subjectName(san).text.toLowerCase());
  const missing = sans.filter((san) => !isHeld(san));
  return missing.length === 0 ? undefined : `it does not name ${missing.join(', ')}`;
}

/** The store's server certificate while it is good, otherwise a new one that is not on disk yet. */
export async function serverCertificate(
  machine: Machine,
  authority: Authority,
  renew: boolean,
): Promise<KeyPair> {
  const sans = await wantedSans(machine);
  const now = machine.deps.clock.now();
  const old = renew ? undefined : await readServerPair(machine);
  const why = old === undefined ? undefined : fault(old, authority, sans, now);
  if (old !== undefined && why === undefined) return old;
  if (why !== undefined) machine.deps.report.info(`A new server certificate is needed: ${why}`);
  const request = { organization: `${machine.deps.userName}.${machine.name}`, now, sans };
  return createServerCertificate(authority.ca, request);
}

export async function keepServerCertificate(machine: Machine, pair: KeyPair): Promise<void> {
  await writeStoreFile(machine.file('server-key.pem'), pair.key, 0o600);
  await writeStoreFile(machine.file('server.pem'), pair.cert, 0o644);
}

/** Writes what DOCKER_CERT_PATH of this machine holds. */
export async function copyClientCertificates(
  machine: Machine,
  files: { readonly ca: string; readonly cert: string; readonly key: string },
): Promise<void> {
  await writeStoreFile(machine.file('ca.pem'), files.ca, 0o644);
  await writeStoreFile(machine.file('key.pem'), files.key, 0o600);
  await writeStoreFile(machine.file('cert.pem'), files.cert, 0o644);
}
