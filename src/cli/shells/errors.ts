import { errorsOf } from '../../base/machine-error.ts';

export const shellsErrors = {
  MM_SHELL_FUNCTION: {
    summary: "The shell's function for `use` is not loaded, or there is none for that shell.",
  },
  MM_SHELL_VALUE: { summary: 'A value cannot be written in the language of the chosen shell.' },
} as const;

export const shellsError = errorsOf(shellsErrors);
