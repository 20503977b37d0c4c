import { StringDecoder } from 'node:string_decoder';
import type { ClientChannel } from 'ssh2';
import { messageOf } from '../../base/machine-error.ts';
import { printable } from '../../base/printable.ts';
import type { ExecOptions, ExecResult } from '../contract.ts';

const DEFAULT_MAX_OUTPUT_BYTES = 4 * 1024 * 1024;

/** How a command's channel ended when the command itself did not. */
export type ExecFailure =
  | { readonly kind: 'aborted'; readonly reason: unknown }
  | { readonly kind: 'output'; readonly limit: number; readonly stream: 'stdout' | 'stderr' }
  /** The host closed the channel, or the connection broke, without an exit status. */
  | { readonly kind: 'closed' };

/** Reads a command's channel to its end, or as far as the signal and the bound on the output let it; `end` then ends the command. */
export async function collect(
  channel: ClientChannel,
  options: ExecOptions,
  signal: AbortSignal,
  end: () => Promise<void>,
): Promise<ExecResult | ExecFailure> {
  const limit = options.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES;
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  const decoder = new StringDecoder('utf8');
  const ended = await new Promise<
    ExecFailure | { exitCode: number | undefined; signalName: string | undefined }
  >((resolve) => {
    let exit: { exitCode: number | undefined; signalName: string | undefined } | undefined;
    const sizes = { stdout: 0, stderr: 0 };
    const take = (stream: 'stdout' | 'stderr', into: Buffer[], chunk: Buffer) => {
      sizes[stream] += chunk.length;
      if (sizes[stream] > limit) return resolve({ kind: 'output', limit, stream });
      into.push(chunk);
      if (stream === 'stderr') options.onStderr?.(decoder.write(chunk));
    };
    channel.on('data', (chunk: Buffer) => take('stdout', stdout, chunk));
    channel.stderr.on('data', (chunk: Buffer) => take('stderr', stderr, chunk));
    // A command that does not read its input is no error; its exit status tells.
    channel.on('error', () => undefined);
    channel.on('exit', (code: number | null, name?: string) => {
      exit = { exitCode: code ?? undefined, signalName: name?.replace(/^SIG/, '') };
    });
    channel.once('close', () => resolve(exit ?? { kind: 'closed' }));
    const stop = () => resolve({ kind: 'aborted', reason: signal.reason });
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    channel.once('close', () => signal.removeEventListener('abort', stop));
    channel.end(typeof options.input === 'string' ? Buffer.from(options.input) : options.input);
  });
  if ('kind' in ended) {
    if (ended.kind === 'closed') return ended;
    for (const stream of [channel, channel.stderr]) {
      // Nobody wants it any more, but a channel closes only when it was read to its end.
      stream.removeAllListeners('data');
      stream.resume();
    }
    await end();
    return ended;
  }
  return { ...ended, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
}

/** A command for a message: its program and the first of its arguments. */
export function describeCommand(argv: readonly string[]): string {
  const script = argv[0] === 'sh' && argv[1] === '-c';
  return printable((script ? ['sh', ...argv.slice(4)] : argv).join(' '), 100);
}

/** What the host says about a channel that it does not open. */
export function refusal(error: unknown): string {
  return printable(messageOf(error).replace(/^\(SSH\) Channel open failure: /, ''), 200);
}
