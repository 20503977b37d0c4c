import { MachineError, messageOf, reworded } from '../../base/machine-error.ts';
import { clientCredentials, ensureAuthority } from '../certs/authority.ts';
import { copyClientCertificates } from '../certs/machine-certs.ts';
import type { MachineDeps } from '../deps.ts';
import { machineError } from '../errors.ts';
import { Machine } from '../machine.ts';
import { pinHostKeys, REPLACE_STEP, replaceHostKey } from './host-keys.ts';
import { confirmConnection, provisionMachine } from './provision.ts';
import { type CreateRequest, planMachine } from './record.ts';
import { removeHost } from './remove.ts';

/** Emulated machines boot slowly. An adopted host answers soon or never. */
const BOOT_TIMEOUT_MS = 600_000;
export const ADOPT_TIMEOUT_MS = 20_000;

/** Makes a machine. Once it is in the store it can be resumed or removed, whatever happens. */
export async function createMachine(deps: MachineDeps, request: CreateRequest): Promise<Machine> {
  const machine = planMachine(deps, request);
  await deps.store.refuseTaken(machine.name);
  return deps.store.withMachine(machine.name, async () => {
    if (!request.driver.traits.provision) await clientCredentials(deps);
    else if (!machine.isThroughSsh) await ensureAuthority(deps);
    deps.report.info('Running pre-create checks...');
    const host = await machine.host();
    await host.precheck(machine.context()).catch((error: unknown) => {
      throw reworded(error, (why) => `Error with pre-create check: ${JSON.stringify(why)}`);
    });
    const { name, config, meta } = machine;
    await deps.store.add({ name, config, meta }, machine.givenSecrets);
    await build(machine, request.rollback ?? false);
    return machine;
  });
}

/** Goes on with a create that was cut off, from the step that was under way. */
export async function resumeMachine(deps: MachineDeps, name: string): Promise<Machine> {
  return deps.store.withMachine(name, async () => {
    const machine = await Machine.open(deps, name);
    if (machine.meta.phase === 'removing') throw beingRemoved(name);
    if (machine.meta.phase === 'ready')
      deps.report.info(`"${name}" is complete: there is nothing to resume.`);
    else await build(machine, false);
    return machine;
  });
}

/** Finishes the host of a machine whose create was cut off. `provision` does the rest. */
export async function finishHost(machine: Machine): Promise<void> {
  if (machine.meta.phase === 'removing') throw beingRemoved(machine.name);
  if (machine.meta.phase !== 'creating') return;
  machine.deps.report.info('Creating machine...');
  await (await machine.host()).create(machine.context());
  machine.forgetLook();
  // Once its key is being replaced, what is pinned is not what it booted with.
  if (!machine.meta.journal.some(({ step }) => step === REPLACE_STEP)) await pinHostKeys(machine);
  if (machine.trait('hostKey') === 'launch-data') await replaceHostKey(machine, BOOT_TIMEOUT_MS);
  await machine.enter('provisioning');
}

function beingRemoved(name: string): Error {
  return machineError('MM_MACHINE_STATE', {
    message: `"${name}" was being removed, and cannot be resumed`,
    hint: `Finish the removal with "mymachine rm ${name}".`,
  });
}

async function build(machine: Machine, rollback: boolean): Promise<void> {
  const { driver } = machine;
  try {
    await finishHost(machine);
    if (driver.traits.provision) await provisionNew(machine);
    else await keepCredentials(machine);
    await machine.enter('ready');
  } catch (error) {
    const { cloud } = await machine.host();
    const refused = cloud?.isRefusal(error, machine.context().config) ?? false;
    const { signal } = machine.deps;
    throw rollback || refused ? await rolledBack(machine, error) : unfinished(machine, error, signal);
  }
}

/** Removes all that was made and gives the failure. Where that fails, too, the machine is kept. */
async function rolledBack(machine: Machine, error: unknown): Promise<Error> {
  const { deps, driver, name } = machine;
  const { config, meta } = machine;
  // The user's interruption must not interrupt this.
  const signal = new AbortController().signal;
  const calm = new Machine({ ...deps, signal }, driver, { name, config, meta });
  try {
    deps.report.info(`Removing what was made of "${name}"...`);
    await removeHost(calm, { restore: meta.original !== undefined, force: false });
    await deps.store.remove(name);
  } catch (failure) {
    deps.report.warn(`It could not be removed: ${messageOf(failure)}`);
    return unfinished(calm, error, deps.signal);
  }
  if (deps.signal.aborted) {
    const message = `Interrupted while creating "${name}"; what had been made was removed again`;
    return new MachineError('MM_INTERRUPTED', 130, { message, cause: error });
  }
  const message = `Error creating machine: ${messageOf(error)}`;
  const known = error instanceof MachineError ? error : undefined;
  return new MachineError(known?.code ?? 'MM_CREATE_FAILED', known?.exitCode ?? 1, {
    message,
    hint: `${known?.hint ?? ''} What had been made was removed again.`.trim(),
    cause: error,
  });
}

async function provisionNew(machine: Machine): Promise<void> {
  const sshTimeoutMs = machine.driver.traits.adopted ? ADOPT_TIMEOUT_MS : BOOT_TIMEOUT_MS;
  await machine.step('provision.host', `Provisioning ${machine.name}...`, async () => {
    const outcome = await provisionMachine(machine, { sshTimeoutMs });
    machine.deps.report.info(`Docker Engine ${outcome.engineVersion} on ${outcome.os}`);
    return undefined;
  });
  await confirmConnection(machine);
}

/** For a machine that is only a URL: keeps the certificates that --tls-* name. */
async function keepCredentials(machine: Machine): Promise<void> {
  await copyClientCertificates(machine, await clientCredentials(machine.deps));
}

/** The original failure with what is left and how to go on. */
function unfinished({ name, meta }: Machine, error: unknown, signal: AbortSignal): Error {
  const rest =
    meta.phase === 'removing'
      ? `What had been made is removed in part: "mymachine rm ${name}" removes the rest.`
      : `The machine is kept as far as it got: "mymachine create --resume ${name}" goes on, "mymachine rm ${name}" removes it.`;
  if (signal.aborted) {
    return new MachineError('MM_INTERRUPTED', 130, {
      message: `Interrupted while creating "${name}"`,
      hint: rest,
      cause: error,
    });
  }
  if (!(error instanceof MachineError)) {
    return machineError('MM_CREATE_FAILED', {
      message: `Error creating machine: ${messageOf(error)}`,
      hint: rest,
      cause: error,
    });
  }
  const hint = error.hint === undefined ? rest : `${error.hint.replace(/[^.!?]$/, '$&.')} ${rest}`;
  const details = error.details === undefined ? {} : { details: error.details };
  return new MachineError(error.code, error.exitCode === 3 ? 1 : error.exitCode, {
    message: `Error creating machine: ${error.message}`,
    hint,
    cause: error,
    ...details,
  });
}
