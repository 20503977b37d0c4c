import { machineError } from './errors.ts';
import type { Machine } from './machine.ts';

/** What a command says that needs a running machine, with what can be done about it. */
export function notRunning(machine: Machine, message: string): Error {
  return machineError('MM_MACHINE_NOT_RUNNING', {
    message,
    hint:
      machine.driver.start === undefined
        ? 'The host is not ours to switch on: see where it is managed whether it is up, and whether its SSH port is open to this computer.'
        : `Start it with "mymachine start ${machine.name}".`,
  });
}
