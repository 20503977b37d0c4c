import type { Driver } from '../drivers/contract.ts';
import { checkNewName } from '../store/names.ts';
import type { FlagValue } from './args/spec.ts';
import { canAsk, type Io } from './io.ts';

async function prompter(io: Io) {
  const { default: inquirer } = await import('inquirer');
  return inquirer.createPromptModule({ input: io.stdin, output: io.stderr.stream });
}

function nameProblem(name: string): true | string {
  try {
    checkNewName(name);
    return true;
  } catch {
    return 'Letters, digits, dots and dashes; the first a letter or a digit.';
  }
}

export async function askForName(io: Io): Promise<string> {
  const prompt = await prompter(io);
  const answer = await prompt([
    { type: 'input', name: 'name', message: 'Name of the machine:', validate: nameProblem },
  ]);
  return String(answer.name);
}

/** On a terminal a required option that is missing is asked for; elsewhere the driver itself refuses, naming it. */
export async function askForFlags(
  io: Io,
  driver: Driver,
  values: Readonly<Record<string, FlagValue>>,
): Promise<Readonly<Record<string, FlagValue>>> {
  const missing = driver.flags.filter((flag) => flag.required === true && (values[flag.name] ?? '') === '');
  if (missing.length === 0 || !canAsk(io)) return values;
  const prompt = await prompter(io);
  const answers = await prompt(
    missing.map((flag) => ({
      type: flag.secret === true ? ('password' as const) : ('input' as const),
      name: flag.name.replaceAll('.', '-'),
      message: `${flag.help} (--${flag.name}):`,
      validate: (text: string) => text.trim() !== '' || 'It is needed.',
    })),
  );
  const given = Object.entries(answers).map(([key, value]) => [key, String(value).trim()] as const);
  return { ...values, ...Object.fromEntries(given) };
}
