import pLimit from 'p-limit';
import type { Report } from '../base/ports.ts';
import type { App } from './app.ts';
import { asInterruption, exitCodeOf, renderError } from './talk/render-error.ts';

/**
 * Works on several machines side by side, shows each failure under its machine, and gives
 * the exit code: 4 when only some failed, 130 when the user interrupted before all was done.
 */
export async function overFleet<T>(
  app: App,
  names: readonly string[],
  work: (name: string) => Promise<T>,
): Promise<{ readonly results: readonly FleetResult<T>[]; readonly exitCode: number }> {
  const results = await forEachMachine(names, (name) => {
    // Those that still wait for their turn are not begun.
    app.signal.throwIfAborted();
    return work(name);
  });
  const failed = results.flatMap((result) =>
    result.ok ? [] : { name: result.name, error: asInterruption(result.error, app.signal) },
  );
  for (const result of failed) {
    const text = renderError(result.error, app.say);
    app.io.stderr.write(names.length > 1 ? `${result.name}: ${text}` : text);
  }
  const [first] = failed;
  if (first === undefined) return { results, exitCode: 0 };
  const onlySome = failed.length < names.length && !app.signal.aborted;
  return { results, exitCode: onlySome ? 4 : exitCodeOf(first.error) };
}

/**
 * Where several machines are worked on side by side, each line
 * says of which one it speaks, as docker-machine's drivers did.
 */
export function reportFor(report: Report, name: string): Report {
  const marked = (text: string) => `(${name}) ${text}`;
  return {
    info: (message) => report.info(marked(message)),
    warn: (message) => report.warn(marked(message)),
    debug: (scope, message) => report.debug(scope, marked(message)),
    step: (title, work) => report.step(marked(title), work),
    progress: (title, done, total, unit) => report.progress(marked(title), done, total, unit),
  };
}

/** What became of one machine in an operation over several. */
type FleetResult<T> =
  | { readonly name: string; readonly ok: true; readonly value: T }
  | { readonly name: string; readonly ok: false; readonly error: unknown };

/** How many hosts are worked on at a time. */
const FLEET_BOUND = 16;

/**
 * Runs `work` for every name, side by side within the bound.
 * One failure does not stop the others. Results keep the order of the names.
 */
async function forEachMachine<T>(
  names: readonly string[],
  work: (name: string) => Promise<T>,
  bound = FLEET_BOUND,
): Promise<readonly FleetResult<T>[]> {
  const limit = pLimit(bound);
  return Promise.all(
    names.map((name) =>
      limit(async (): Promise<FleetResult<T>> => {
        try {
          return { name, ok: true, value: await work(name) };
        } catch (error) {
          return { name, ok: false, error };
        }
      }),
    ),
  );
}
