import { basename } from 'node:path';
import type { Argv, Ports, RunOptions } from '../../base/ports.ts';
import { lastLines } from '../../base/printable.ts';
import { nspawnError } from './errors.ts';

type Failure = Parameters<typeof nspawnError>[0];

/** Gives the stdout of a program. One that fails is an error with its last lines. */
export async function command(
  ports: Ports,
  argv: Argv,
  options: RunOptions & { readonly failure?: Failure; readonly hint?: string; readonly what?: string } = {},
): Promise<string> {
  const { failure = 'MM_NSPAWN_COMMAND', hint, what, ...run } = options;
  const result = await ports.programs.run(argv, { timeoutMs: 60_000, ...run });
  if (result.exitCode === 0) return result.stdout;
  ports.signal.throwIfAborted();
  const end = result.timedOut ? 'took too long' : `ended with ${result.exitCode ?? 'a signal'}`;
  throw nspawnError(failure, {
    message: `${what ?? basename(argv[0])}: ${basename(argv[0])} ${end}`,
    details: lastLines(result.stderr || result.stdout, 15),
    ...(hint === undefined ? {} : { hint }),
  });
}
