import { errorsOf } from './machine-error.ts';

export const baseErrors = {
  MM_PROGRAM_MISSING: { summary: 'A program that this operation needs is not installed on this computer.' },
  MM_PROGRAM_FAILED: { summary: 'A program on this computer ended with an error.' },
  MM_INTERRUPTED: { summary: 'The user interrupted the operation.', exitCode: 130 },
  MM_OUTPUT: { summary: 'What was to be printed could not be written where it goes to.' },
  MM_NO_RESULT: { summary: 'A command waited for something that never came: a fault of this program.' },
  MM_TIMEOUT: { summary: 'Something did not happen within its time.' },
} as const;

export const baseError = errorsOf(baseErrors);
