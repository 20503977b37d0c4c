import { errorsOf } from '../../base/machine-error.ts';

export const shellsErrors = {
  MM_SHELL_VALUE: { summary: 'A value cannot be written in the language of the chosen shell.' },
} as const;

export const shellsError = errorsOf(shellsErrors);
