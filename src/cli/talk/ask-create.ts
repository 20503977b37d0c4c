import type { Driver } from '../../sdk/driver.ts';
import type { FlagValues } from '../../sdk/flags.ts';
import { checkNewName } from '../../store/layout.ts';
import { canAsk, type Io } from '../io.ts';
import { askOnTerminal } from './terminal-questions.ts';

function nameProblem(name: string): true | string {
  try {
    checkNewName(name);
    return true;
  } catch {
    return 'Letters, digits, dots and dashes; the first a letter or a digit.';
  }
}

export async function askForName(io: Io): Promise<string> {
  const { name } = await askOnTerminal(io, [
    { type: 'input', name: 'name', message: 'Name of the machine:', validate: nameProblem },
  ]);
  return String(name);
}

/**
 * On a terminal a required option that is missing is asked
 * for; elsewhere the driver itself refuses, naming it.
 */
export async function askForFlags(io: Io, driver: Driver, values: FlagValues): Promise<FlagValues> {
  const missing = driver.flags.filter((flag) => flag.required === true && (values[flag.name] ?? '') === '');
  if (missing.length === 0 || !canAsk(io)) return values;
  const answers = await askOnTerminal(
    io,
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
