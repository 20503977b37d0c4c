import { errorsOf } from '../base/machine-error.ts';

export const cliErrors = {
  MM_USAGE: {
    summary: 'The command line is wrong: an unknown command or option, or a value that cannot be.',
    exitCode: 2,
  },
  MM_COMMAND: { summary: 'There is no command of that name.' },
  MM_ARGUMENTS: { summary: 'The command has too few or too many arguments.' },
  MM_NO_ANSWER: { summary: 'The input ended before a question was answered.' },
  MM_FILE: { summary: 'What is named where a file is wanted is a folder, a pipe or a device.' },
  MM_ENVIRONMENT: { summary: 'An environment variable has a value that cannot be.' },
  MM_SHELL_FUNCTION: {
    summary: "The shell's function for `use` is not loaded, or there is none for that shell.",
  },
  MM_SHELL_VALUE: { summary: 'A value cannot be written in the language of the chosen shell.' },
} as const;

export const cliError = errorsOf(cliErrors);
