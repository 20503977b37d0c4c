import type { Report } from '../base/ports.ts';
import { type FleetResult, forEachMachine } from '../machine/fleet/for-each.ts';
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
