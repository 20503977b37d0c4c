import { machineError } from './errors.ts';
import type { Machine } from './machine.ts';

/** What a command says that needs a running machine, with what can be done about it. */
export async function notRunning(machine: Machine, message: string): Promise<Error> {
  const { power } = await machine.host();
  return machineError('MM_MACHINE_NOT_RUNNING', {
    message,
    hint:
      power === undefined
        ? 'The host is not ours to switch on: see where it is managed whether it is up, and whether its SSH port is open to this computer.'
        : `Start it with "mymachine start ${machine.name}".`,
  });
}
