import { errorsOf } from '../base/machine-error.ts';

export const machineErrors = {
  MM_MACHINE_STATE: { summary: 'The machine is in a state in which that cannot be done.' },
  MM_MACHINE_UNFINISHED: { summary: 'The create of the machine was interrupted and has not been finished.' },
  MM_MACHINE_NOT_RUNNING: { summary: 'The machine is not running.' },
  MM_MACHINE_NO_ADDRESS: { summary: 'The machine is running, and has no address yet.' },
  MM_CERTS_MISSING: { summary: 'A certificate or key that is needed is not in the store.' },
  MM_CERTS_AUTHORITY: { summary: 'The certificate authority of the store cannot sign.' },
  MM_ENV_CHECK: { summary: 'The engine does not answer as env wants it to; the message names the cause.' },
  MM_CREATE_FAILED: { summary: 'Creating the machine failed part of the way; what exists is recorded.' },
} as const;

export const machineError = errorsOf(machineErrors);
