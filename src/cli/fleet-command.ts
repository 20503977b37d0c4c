import { type FleetResult, forEachMachine } from '../machine/fleet.ts';
import type { App } from './app.ts';
import { exitCodeOf, renderError } from './render-error.ts';

/** Works on several machines side by side, shows each failure under its machine, and gives the exit code: 4 when only some failed. */
export async function overFleet<T>(
  app: App,
  names: readonly string[],
  work: (name: string) => Promise<T>,
): Promise<{ readonly results: readonly FleetResult<T>[]; readonly exitCode: number }> {
  const results = await forEachMachine(names, work);
  const failed = results.filter((result) => !result.ok);
  for (const result of failed) {
    const text = renderError(result.error, app.say);
    app.io.stderr.write(names.length > 1 ? `${result.name}: ${text}` : text);
  }
  const [first] = failed;
  if (first === undefined) return { results, exitCode: 0 };
  return { results, exitCode: failed.length < names.length ? 4 : exitCodeOf(first.error) };
}
