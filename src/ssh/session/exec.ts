import { randomBytes } from 'node:crypto';
import type { Duplex, Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { ClientChannel, PseudoTtyOptions, SFTPWrapper } from 'ssh2';
import { messageOf } from '../../base/machine-error.ts';
import type { Clock } from '../../base/ports.ts';
import { printable } from '../../base/printable.ts';
import type { ExecOptions, ExecResult } from '../contract.ts';
import { quote } from '../quote.ts';
import signalMarked from './end-command.sh';

const DEFAULT_MAX_OUTPUT_BYTES = 4 * 1024 * 1024;
/** How long a command may take to end after it was told to. */
const GRACE_MS = 1000;

/** A command's channel. Emits `exit` with its status or the name of a signal, then `close`. */
export interface CommandChannel extends Duplex {
  readonly stderr: Readable;
  close(): void;
}

type Opened<C> = (error: Error | undefined, channel: C) => void;

/** An open connection, which ssh2's Client is as well. */
export interface Connection {
  exec(line: string, options: object, callback: Opened<CommandChannel>): unknown;
  openssh_forwardOutStreamLocal(path: string, callback: Opened<Duplex>): unknown;
  /** The two for the built-in terminal and scp, which ssh2 alone has. */
  shell(pty: PseudoTtyOptions | false, callback: Opened<ClientChannel>): unknown;
  sftp(callback: Opened<SFTPWrapper>): unknown;
  end(): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  once(event: 'close', listener: () => void): unknown;
  removeListener(event: 'close', listener: () => void): unknown;
}

/** How a command's channel ended when the command itself did not. */
type ExecFailure =
  | { readonly kind: 'aborted'; readonly reason: unknown }
  | { readonly kind: 'output'; readonly limit: number; readonly stream: 'stdout' | 'stderr' }
  /** The host closed the channel, or the connection broke, without an exit status. */
  | { readonly kind: 'closed' };

/**
 * Marks a command's environment, by which its processes are found when it must end.
 * csh has no assignments before a command, so the program env does it.
 */
export function markCommand(line: string): { readonly line: string; readonly mark: string } {
  const mark = `MYMACHINE_EXEC=${randomBytes(8).toString('hex')}`;
  return { line: `env ${mark} ${line}`, mark };
}

/**
 * Writes a command's input and reads its channel to the end. When the signal comes, or the output
 * exceeds its bound, `end` is called to end the command.
 */
export async function collect(
  channel: CommandChannel,
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
    let later = options.inputWhenSaid;
    let heard = '';
    const take = (stream: 'stdout' | 'stderr', into: Buffer[], chunk: Buffer) => {
      sizes[stream] += chunk.length;
      if (sizes[stream] > limit) return resolve({ kind: 'output', limit, stream });
      into.push(chunk);
      if (stream === 'stdout') return;
      const text = decoder.write(chunk);
      options.onStderr?.(text);
      heard += text;
      if (later === undefined || !heard.includes(later.said)) return;
      channel.end(Buffer.from(later.input));
      later = undefined;
    };
    channel.on('data', (chunk: Buffer) => take('stdout', stdout, chunk));
    channel.stderr.on('data', (chunk: Buffer) => take('stderr', stderr, chunk));
    // A command need not read its input. Its exit status tells whether it failed.
    channel.on('error', () => undefined);
    channel.on('exit', (code: number | null, name?: string) => {
      exit = { exitCode: code ?? undefined, signalName: name?.replace(/^SIG/, '') };
    });
    channel.once('close', () => resolve(exit ?? { kind: 'closed' }));
    const stop = () => resolve({ kind: 'aborted', reason: signal.reason });
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    channel.once('close', () => signal.removeEventListener('abort', stop));
    const input = Buffer.from(options.input ?? '');
    if (later === undefined) channel.end(input);
    else channel.write(input);
  });
  if ('kind' in ended) {
    if (ended.kind === 'closed') return ended;
    for (const stream of [channel, channel.stderr]) {
      // A channel closes only when it was read to its end.
      stream.removeAllListeners('data');
      stream.resume();
    }
    await end();
    return ended;
  }
  return { ...ended, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
}

/**
 * Ends a command and all that it has started: by SIGTERM, then by SIGKILL. Resolves when its
 * channel is closed or given up.
 */
export async function endCommand(
  client: Connection,
  channel: CommandChannel,
  mark: string,
  clock: Clock,
): Promise<void> {
  const timer = new AbortController();
  const closed = new Promise<true>((resolve) => channel.once('close', () => resolve(true)));
  const grace = () => clock.sleep(GRACE_MS, timer.signal).catch(() => undefined);
  try {
    for (const signal of ['TERM', 'KILL'] as const) {
      // sshd counts the channel of `kill` as a session as well, so we wait for its end.
      const killed = kill(client, mark, signal).then(() => closed);
      if (await Promise.race([killed, grace()])) return;
    }
    channel.close();
  } finally {
    timer.abort();
  }
}

/** Signals on a channel of its own. A channel that cannot be opened is no error. */
function kill(client: Connection, mark: string, signal: 'TERM' | 'KILL'): Promise<void> {
  return new Promise((resolve) => {
    try {
      client.exec(quote(['sh', '-c', signalMarked, 'mymachine', mark, signal]), {}, (error, channel) => {
        if (error !== undefined) return resolve();
        channel.once('close', () => resolve()).on('error', () => undefined);
        channel.resume();
        channel.stderr.resume();
        channel.end();
      });
    } catch {
      // ssh2 throws when the connection is gone, and then the command's channel is gone, too.
      resolve();
    }
  });
}

/** Shortens a command for a message. The text of a shell script is left out. */
export function describeCommand(argv: readonly string[]): string {
  const script = argv[0] === 'sh' && argv[1] === '-c';
  return printable((script ? ['sh', ...argv.slice(4)] : argv).join(' '), 100);
}

/** The reason that the host gives for a channel that it does not open. */
export function refusal(error: unknown): string {
  return printable(messageOf(error).replace(/^\(SSH\) Channel open failure: /, ''), 200);
}

/** Lets at most `width` in at once. The others wait in the order they came. */
export class Gate {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(width: number) {
    this.#free = width;
  }

  /** Waits for room. Gives the function that makes room again. Rejects with the signal's reason. */
  async enter(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free -= 1;
    else await this.#wait(signal);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    };
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        reject(signal.reason);
      };
      this.#waiting.push(enter);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}

/**
 * Opens a channel by one of ssh2's callback methods. A channel that opens after the signal is
 * closed. `attach` adds the listeners at once: a quick exit may be in the same packet.
 */
export function openChannel<C extends { destroy(): unknown }, T extends object>(
  client: Connection,
  signal: AbortSignal,
  open: (callback: (error: Error | undefined, channel: C) => void) => void,
  attach: (channel: C) => T,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      signal.removeEventListener('abort', stop);
      client.removeListener('close', lost);
    };
    const stop = () => {
      settle();
      reject(signal.reason);
    };
    const lost = () => {
      settle();
      reject(new Error('connection closed'));
    };
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    client.once('close', lost);
    try {
      open((error, channel) => {
        settle();
        if (error !== undefined) reject(error);
        else if (signal.aborted) channel.destroy();
        else resolve(attach(channel));
      });
    } catch (error) {
      // ssh2 throws "Not connected".
      settle();
      reject(error);
    }
  });
}
