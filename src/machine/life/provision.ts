import type { JsonObject } from '../../base/json.ts';
import { messageOf } from '../../base/machine-error.ts';
import type { EngineSpec, HostOriginal, InstallSource, ProvisionOutcome } from '../../provision/contract.ts';
import { ensureAuthority } from '../certs/authority.ts';
import { spreadClientCertificates, warnOfLeftBehind } from '../certs/dependents.ts';
import { authorityPathsOf, DUE_BEFORE_MS } from '../certs/expiry.ts';
import { copyClientCertificates, keepServerCertificate, serverCertificate } from '../certs/machine-certs.ts';
import type { MachineDeps } from '../deps.ts';
import { checkConnection, engineUrl, isCertificateFault } from '../engine/connection.ts';
import { keepEngineAddress } from '../engine/last-address.ts';
import { machineError } from '../errors.ts';
import { Machine } from '../machine.ts';
import { sessionWhenUp } from '../silence.ts';

const INSTALL_SOURCES: readonly string[] = ['auto', 'script', 'repository', 'distro'];

/** What the machine's record asks of its engine. The provider label is docker-machine's. */
export function engineWish(machine: Machine): EngineSpec {
  const options = machine.config.HostOptions.EngineOptions;
  const { install, version } = machine.meta.engine;
  return {
    install: INSTALL_SOURCES.includes(install) ? (install as InstallSource) : 'auto',
    installUrl: options.InstallURL,
    version,
    port: machine.enginePort,
    labels: [...options.Labels, `provider=${machine.driver.name}`],
    registryMirrors: options.RegistryMirror,
    insecureRegistries: options.InsecureRegistry,
    storageDriver: options.StorageDriver,
    options: options.ArbitraryFlags,
    env: options.Env,
  };
}

interface ProvisionOptions {
  /** A new server certificate even when the one in place is good. */
  readonly renewCert?: boolean;
  /** How long a host may take until it lets us log in. */
  readonly sshTimeoutMs?: number;
}

/**
 * Brings the host to what the record says: engine, configuration, certificates.
 * Only what is wrong is changed. Running containers stay.
 */
export async function provisionMachine(
  machine: Machine,
  options: ProvisionOptions = {},
): Promise<ProvisionOutcome> {
  const { deps, driver } = machine;
  if (!driver.traits.provision) {
    throw machineError('MM_MACHINE_STATE', {
      message: `"${machine.name}" is a machine of the driver ${driver.name}, which is not provisioned by us`,
      hint: 'Configure its engine where that is managed.',
    });
  }
  const authority = machine.isThroughSsh
    ? undefined
    : await ensureAuthority(deps, authorityPathsOf(deps, machine));
  const { provisionHost } = await import('../../provision/provision.ts');
  const session = await deps.report.step('Waiting for SSH to be available...', () =>
    sessionWhenUp(machine, options.sshTimeoutMs ?? 180_000),
  );
  const pair = authority && (await serverCertificate(machine, authority, options.renewCert ?? false));
  const outcome = await provisionHost({
    ...machine.hostPorts(session),
    rename: true,
    adopted: driver.traits.adopted,
    engine: engineWish(machine),
    mounts: machine.trait('mounts'),
    allowRemoval: (packages) => deps.allowRemoval(machine.name, packages),
    tls: authority && pair && { ca: authority.ca.cert, serverCert: pair.cert, serverKey: pair.key },
    keepOriginal: async (original) => {
      if (machine.meta.original === undefined)
        await machine.saveMeta({ original: original as unknown as JsonObject });
    },
  });
  // Who joins a group is in it from the next login on.
  if (outcome.changed.includes('access')) session.close();
  if (authority !== undefined && pair !== undefined) {
    await keepServerCertificate(machine, pair);
    await copyClientCertificates(machine, { ca: authority.ca.cert, ...authority.client });
  }
  await machine.saveMeta({ address: (await machine.lastLook()).address });
  if (authority?.replaced === true) await warnOfLeftBehind(deps);
  return outcome;
}

/** Checks in docker-machine's words that the engine answers, and keeps where it does. */
export async function confirmConnection(machine: Machine): Promise<void> {
  await machine.deps.report.step('Checking connection to Docker...', async () => {
    const url = await engineUrl(machine);
    await checkConnection(machine, url);
    await keepEngineAddress(machine, url);
  });
  machine.deps.report.info('Docker is up and running!');
}

/** Undoes on an adopted host what provisioning changed there. */
export async function restoreMachine(machine: Machine): Promise<void> {
  const { restoreHost } = await import('../../provision/restore.ts');
  const session = await sessionWhenUp(machine, 30_000);
  await restoreHost({
    ...machine.hostPorts(session),
    original: machine.meta.original as unknown as HostOriginal | undefined,
  });
}

/** The engine of a host that was just reached answers: its sshd does so soon, or never. */
const SSH_TIMEOUT_MS = 30_000;

/**
 * Renews the certificates that keep us from the engine, or soon will. The caller holds the lock.
 * SSH is verified by the pinned key: a stranger at the machine's address gets nothing.
 */
export async function renewCertificates(machine: Machine, why: string): Promise<void> {
  machine.deps.report.info(`Renewing the certificates of "${machine.name}": ${why}`);
  await provisionMachine(machine, { sshTimeoutMs: SSH_TIMEOUT_MS });
  await confirmConnection(machine);
}

async function whatIsWrong(machine: Machine): Promise<string | undefined> {
  try {
    const seen = await checkConnection(machine, await engineUrl(machine));
    const left = (seen?.notAfter ?? Number.POSITIVE_INFINITY) - machine.deps.clock.now();
    return left < DUE_BEFORE_MS ? "the engine's certificate expires within 30 days" : undefined;
  } catch (error) {
    if (!isCertificateFault(machine, error)) throw error;
    return messageOf(error);
  }
}

/** `env --fix`: renews the machine's certificates where they are at fault, and nothing else. */
export async function fixCertificates(deps: MachineDeps, name: string): Promise<void> {
  const before = await Machine.open(deps, name);
  const renewable = before.driver.traits.provision && !before.isThroughSsh;
  if (!renewable || (await whatIsWrong(before)) === undefined) return;
  await deps.store.withMachine(name, async () => {
    // Somebody else may have done it while we waited.
    const machine = await Machine.open(deps, name);
    const why = await whatIsWrong(machine);
    if (why !== undefined) await renewCertificates(machine, why);
  });
  await spreadClientCertificates(deps);
}
