import pLimit from 'p-limit';
import { isObject } from '../base/json.ts';
import type { App } from './app.ts';
import { type Result, value } from './command.ts';
import { asInterruption, exitCodeOf, renderError, renderErrorJson } from './talk/render-error.ts';

/** How many hosts are worked on at a time. */
const FLEET_BOUND = 16;

/** What became of one machine in an operation over several. */
type FleetResult<T> =
  | { readonly name: string; readonly ok: true; readonly value: T }
  | { readonly name: string; readonly ok: false; readonly error: unknown };

/**
 * Works on several machines side by side and shows each failure under its machine.
 * The exit code is 4 when only some failed, and 130 when the user interrupted.
 */
export async function overFleet<T>(
  app: App,
  names: readonly string[],
  work: (name: string) => Promise<T>,
): Promise<{ readonly results: readonly FleetResult<T>[]; readonly exitCode: number }> {
  const limit = pLimit(FLEET_BOUND);
  const attempt = async (name: string): Promise<FleetResult<T>> => {
    try {
      // Those that still wait for their turn are not begun.
      app.signal.throwIfAborted();
      return { name, ok: true, value: await work(name) };
    } catch (error) {
      return { name, ok: false, error };
    }
  };
  const results = await Promise.all(names.map((name) => limit(attempt, name)));
  const failed = results.flatMap((result) =>
    result.ok ? [] : { name: result.name, error: asInterruption(result.error, app.signal) },
  );
  for (const result of failed) {
    const text = renderError(result.error, app.say);
    if (app.json) app.io.stderr.write(renderErrorJson(result.error, app.say, result.name));
    else app.io.stderr.write(names.length > 1 ? `${result.name}: ${text}` : text);
  }
  const [first] = failed;
  if (first === undefined) return { results, exitCode: 0 };
  const onlySome = failed.length < names.length && !app.signal.aborted;
  return { results, exitCode: onlySome ? 4 : exitCodeOf(first.error) };
}

/** One object a machine for --json, and nothing more to say otherwise. */
export function fleetValue(results: readonly FleetResult<unknown>[], exitCode: number): Result {
  const rows = results.map((result) => ({
    name: result.name,
    ok: result.ok,
    ...(result.ok && isObject(result.value) ? result.value : {}),
  }));
  return value(rows, () => '', { exitCode });
}
