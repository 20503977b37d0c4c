import { isMachineError, MachineError, messageOf, reworded } from '../../base/machine-error.ts';
import type { CertificateDates } from '../../engine/contract.ts';
import { machineError } from '../errors.ts';
import type { Machine } from '../machine.ts';
import { checkConnection, engineUrl, isCertificateFault } from './connection.ts';

export interface ClientUrlOptions {
  /** The manager of the legacy swarm instead of the engine. */
  readonly swarm: boolean;
  /**
   * What stands before the cause when nothing answers. docker-machine has its own words for each
   * command.
   */
  readonly prefix: string;
}

export interface VerifiedUrl {
  readonly url: string;
  /** Dates of the certificate that was shown there. */
  readonly seen: CertificateDates | undefined;
}

/** Where a docker client finds the machine, once something has answered there. */
export async function clientUrl(machine: Machine, options: ClientUrlOptions): Promise<VerifiedUrl> {
  try {
    return await (options.swarm ? swarmManagerUrl(machine) : verifiedUrl(machine));
  } catch (error) {
    // Removed meanwhile: that is no matter of its certificates.
    if (isMachineError(error, 'MM_MACHINE_UNKNOWN')) throw error;
    throw reworded(error, (why) => `${options.prefix}: ${why}`);
  }
}

async function verifiedUrl(machine: Machine): Promise<VerifiedUrl> {
  const url = await engineUrl(machine);
  if (machine.isThroughSsh) return { url, seen: await checkConnection(machine, url) };
  try {
    return { url, seen: await checkConnection(machine, url) };
  } catch (error) {
    throw tlsProblem(machine, url, error);
  }
}

/** docker-machine's words around the cause, which keeps its id and its remedy. */
function tlsProblem(machine: Machine, url: string, cause: unknown): Error {
  if (isMachineError(cause, 'MM_MACHINE_UNKNOWN')) return cause;
  const message = `Error checking and/or regenerating the certs: There was an error validating certificates for host "${url.replace(/^[a-z]+:\/\//, '')}": ${messageOf(cause)}`;
  const regenerate = `You can attempt to regenerate them using "mymachine regenerate-certs ${machine.name}".`;
  if (!(cause instanceof MachineError))
    return machineError('MM_ENV_CHECK', { message, hint: regenerate, cause });
  const hint = isCertificateFault(machine, cause)
    ? `Renew them with "mymachine env --fix ${machine.name}"; running containers keep running.`
    : (cause.hint ?? regenerate);
  return new MachineError(cause.code, cause.exitCode, { message, hint, cause });
}

async function swarmManagerUrl(machine: Machine): Promise<VerifiedUrl> {
  const swarm = machine.config.HostOptions.SwarmOptions;
  if (!swarm.Master) {
    throw machineError('MM_MACHINE_STATE', {
      message: `"${machine.name}" is not a swarm master. The --swarm flag is intended for use with swarm masters`,
    });
  }
  if (machine.isThroughSsh) {
    throw machineError('MM_MACHINE_STATE', {
      message: `"${machine.name}" opens no port for a swarm's manager: its engine is reached through SSH alone`,
      hint: 'Leave --swarm out.',
    });
  }
  const engine = await engineUrl(machine);
  const port = /:(\d+)\s*$/.exec(swarm.Host)?.[1] ?? '3376';
  const url = engine.replace(/:\d+$/, `:${port}`);
  try {
    return { url, seen: await checkConnection(machine, url) };
  } catch (error) {
    const engineIsFine = await checkConnection(machine, engine).then(
      () => true,
      () => false,
    );
    if (!engineIsFine) throw tlsProblem(machine, url, error);
    throw machineError('MM_ENV_CHECK', {
      message: 'Connection to Swarm cannot be checked but the certs are valid. Maybe swarm is not started',
      cause: error,
    });
  }
}
