import { isMachineError } from '../../base/machine-error.ts';
import type { Ports } from '../../base/ports.ts';
import { lastLines, printable } from '../../base/printable.ts';
import type { ExecOptions } from '../../ssh/contract.ts';
import type { HostPorts } from '../contract.ts';
import { provisionError } from '../errors.ts';
import { type Instruction, instructionText } from '../scripts/protocol.ts';

/** Runs shell programs as root on a host, whichever way the login user becomes that. */
export interface RootShell {
  run(program: string, options?: RunOptions): Promise<string>;
  /**
   * The same for a program that changes the host and must not be cut off. It ignores signals and
   * goes on without us. After an interruption it is waited for a while, and its result counts.
   */
  change(program: string, options: RunOptions): Promise<string>;
}

export interface RunOptions {
  readonly instructions?: readonly Instruction[];
  readonly timeoutMs?: number;
  /** Gets the lines that the program says while it runs. */
  readonly onSay?: (line: string) => void;
}

/** How a program of so many bytes is run as root, and what stands before it on stdin. */
export interface RootCommand {
  readonly argv: (programBytes: string) => readonly [string, ...string[]];
  readonly firstInput: string;
}

/** A connection may break half way: a shell runs no command of a group that is not closed. */
export function asOneCommand(program: string): string {
  return `{\n${program}\n}\n`;
}

export function rootShell(
  input: Pick<HostPorts, 'session' | 'machineName' | 'clock' | 'report' | 'signal'>,
  root: RootCommand,
): RootShell {
  const { session, signal, report, machineName } = input;
  const run = async (
    program: string,
    options: RunOptions,
    how: Pick<ExecOptions, 'signal' | 'leaveRunning'>,
  ) => {
    let rest = '';
    const command = asOneCommand(program);
    const instructions = options.instructions === undefined ? '' : instructionText(options.instructions);
    const result = await session.exec(root.argv(String(Buffer.byteLength(command))), {
      ...how,
      input: root.firstInput + command + instructions,
      timeoutMs: options.timeoutMs ?? 120_000,
      onStderr: (text) => {
        const lines = (rest + text).split('\n');
        rest = (lines.pop() ?? '').slice(-1000);
        for (const line of lines) {
          const said = /^mymachine: (.*)$/.exec(line)?.[1];
          if (said !== undefined) options.onSay?.(printable(said, 300));
        }
      },
    });
    if (result.exitCode === 0) return result.stdout;
    if (/No space left on device/i.test(result.stderr)) throw diskFull(lastLines(result.stderr, 3));
    throw provisionError('MM_PROVISION_HOST', {
      message: `A step of the provisioning failed on the host (${result.exitCode === undefined ? `signal ${printable(result.signalName ?? '', 20)}` : `exit status ${result.exitCode}`}).`,
      hint: 'The lines above are what the host says; correct it there and run the command again.',
      details: lastLines(result.stderr, 20),
    });
  };
  return {
    run: (program, options = {}) => run(program, options, { signal }),
    change: async (program, options) => {
      signal.throwIfAborted();
      const patience = interruptLater(input, machineName);
      try {
        return await run(program, options, { signal: patience.signal, leaveRunning: true });
      } catch (error) {
        if (patience.signal.aborted || isMachineError(error, 'MM_SSH_TIMEOUT'))
          report.warn(
            `The host of "${machineName}" goes on with the step by itself; what comes next there waits for its end.`,
          );
        throw error;
      } finally {
        patience.end();
      }
    },
  };
}

/** How long a program that changes the host is waited for after the user's interruption. */
const GRACE_MS = 30_000;

/**
 * Puts the user's interruption off until the host is through, within bounds, and tells the user.
 * `end` must be called when the program has ended or is left alone.
 */
function interruptLater(
  { clock, report, signal }: Pick<Ports, 'clock' | 'report' | 'signal'>,
  machineName: string,
): { readonly signal: AbortSignal; end(): void } {
  const left = new AbortController();
  const ended = new AbortController();
  const wait = () => {
    report.warn(
      `Interrupted. The host of "${machineName}" is in the middle of a step, which it finishes first; Ctrl-C again does not wait for it.`,
    );
    clock.sleep(GRACE_MS, ended.signal).then(
      () => left.abort(signal.reason),
      () => undefined,
    );
  };
  signal.addEventListener('abort', wait, { once: true });
  return {
    signal: left.signal,
    end() {
      signal.removeEventListener('abort', wait);
      ended.abort();
    },
  };
}

export function diskFull(details: string | undefined, where = '') {
  return provisionError('MM_PROVISION_DISK_FULL', {
    message: `The host has too little free disk space${where === '' ? '' : ` (${where})`}.`,
    hint: 'Free some on the host (`df -h` shows where), then run the command again.',
    ...(details === undefined ? {} : { details }),
  });
}
