import type { ProvisionInput } from '../contract.ts';
import type { Facts } from './facts.ts';

/**
 * What to say of a host whose engine is reached through SSH and that has no docker of its own: a docker client starts
 * `docker system dial-stdio` there. undefined when all is well. We ourselves do without it.
 */
export function clientWarning(
  { hasClient }: Pick<Facts, 'hasClient'>,
  { engine, machineName }: Pick<ProvisionInput, 'engine' | 'machineName'>,
): string | undefined {
  if (engine.port !== 0 || hasClient) return undefined;
  return `The host has no program docker, by which docker clients come to its engine through SSH. Install it: mymachine ssh ${machineName} sudo apt-get install docker-cli`;
}
