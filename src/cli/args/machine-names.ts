import type { App } from '../app.ts';
import { usageError } from './errors.ts';

const NO_DEFAULT = 'Error: No machine name(s) specified and no "default" machine exists';

/** The machine a command is about: the one named, else the one called `default`. */
export async function oneName(app: App, args: readonly string[]): Promise<string> {
  if (args.length > 1)
    throw usageError('MM_ARGUMENTS', { message: 'Error: Expected one machine name as an argument' });
  return args[0] ?? (await defaultName(app));
}

/**
 * The machines a command is about, each once, and each
 * known to be there before anything is done to any of them.
 */
export async function manyNames(app: App, args: readonly string[]): Promise<readonly string[]> {
  const names = args.length === 0 ? [await defaultName(app)] : [...new Set(args)];
  await Promise.all(names.map((name) => app.store.load(name)));
  return names;
}

async function defaultName(app: App): Promise<string> {
  if (await app.store.exists('default')) return 'default';
  throw usageError('MM_ARGUMENTS', {
    message: NO_DEFAULT,
    hint: `Name a machine: "${app.program} ls" lists them.`,
  });
}
