import { errorsOf } from '../../base/machine-error.ts';

export const usageErrors = {
  MM_USAGE: {
    summary: 'The command line is wrong: an unknown command or option, or a value that cannot be.',
    exitCode: 2,
  },
  MM_COMMAND: { summary: 'There is no command of that name.' },
  MM_ARGUMENTS: { summary: 'The command has too few or too many arguments.' },
  MM_NO_ANSWER: { summary: 'The input ended before a question was answered.' },
  MM_ENVIRONMENT: { summary: 'An environment variable has a value that cannot be.' },
} as const;

export const usageError = errorsOf(usageErrors);
