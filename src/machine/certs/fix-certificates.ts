import { messageOf } from '../../base/machine-error.ts';
import type { MachineDeps } from '../deps.ts';
import { checkConnection, engineUrl, isCertificateFault } from '../engine/connection.ts';
import { confirmConnection, provisionMachine } from '../life/provision.ts';
import { Machine } from '../machine.ts';
import { spreadClientCertificates } from './dependents.ts';
import { DUE_BEFORE_MS } from './expiry.ts';

/** The engine of a host that was just reached answers: its sshd does so soon, or never. */
const SSH_TIMEOUT_MS = 30_000;

/**
 * Renews over SSH the certificates that keep us from the engine, or soon will.
 * The caller holds the machine's lock.
 * The host's pinned key verifies SSH, so that a stranger at the machine's address gets nothing.
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
