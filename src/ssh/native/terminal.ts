import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import type { ClientChannel, PseudoTtyOptions } from 'ssh2';
import type { Session } from '../session/session.ts';

/** The user's side of a terminal session: process.stdin and the like, or plain streams. */
export interface TerminalStreams {
  readonly stdin: Readable & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown };
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };
  readonly stderr: Writable;
}

export interface NativeTerminalOptions {
  /** The command, whose words are joined by blanks for the host's shell. None: a login shell. */
  readonly words: readonly string[];
  /** auto: a terminal on the host when we have one and there is no command, as with ssh. */
  readonly pty: 'auto' | 'always' | 'never';
  /** Value of TERM. */
  readonly term: string;
}

/**
 * Does what `ssh` does, without the system's ssh. Gives the exit status of the remote command, 128
 * and the number of the signal that ended it, or 255.
 */
export async function runNativeTerminal(
  session: Session,
  streams: TerminalStreams,
  options: NativeTerminalOptions,
): Promise<number> {
  const { stdin, stdout } = streams;
  const wantsPty = options.pty === 'always' || (options.pty === 'auto' && options.words.length === 0);
  const pty =
    wantsPty && (options.pty === 'always' || stdin.isTTY === true) ? ptyOf(stdout, options.term) : undefined;
  const { channel, status } = await session.openCommand(options.words.join(' '), pty, (opened) => ({
    channel: opened,
    status: forward(opened, streams),
  }));
  const raw = pty !== undefined && stdin.isTTY === true && stdin.setRawMode !== undefined;
  const resize = () => channel.setWindow(stdout.rows ?? 24, stdout.columns ?? 80, 0, 0);
  if (raw) stdin.setRawMode?.(true);
  if (pty !== undefined) stdout.on('resize', resize);
  try {
    return await status;
  } finally {
    if (raw) stdin.setRawMode?.(false);
    stdout.removeListener('resize', resize);
    stdin.unpipe(channel);
    stdin.pause();
  }
}

function forward(channel: ClientChannel, { stdin, stdout, stderr }: TerminalStreams): Promise<number> {
  return new Promise((resolve) => {
    let status = 255;
    channel.on('exit', (code: number | null, signal?: string) => {
      const number = Object.entries(constants.signals).find(([name]) => name === signal)?.[1];
      status = code ?? 128 + (number ?? 0);
    });
    channel.on('error', () => undefined);
    channel.once('close', () => resolve(status));
    // When the reader is gone (`| head`) the session ends, as with ssh.
    const leave = () => channel.close();
    stdout.once('error', leave);
    channel.once('close', () => stdout.removeListener('error', leave));
    stdin.pipe(channel);
    channel.pipe(stdout, { end: false });
    channel.stderr.pipe(stderr, { end: false });
  });
}

function ptyOf(stdout: TerminalStreams['stdout'], term: string): PseudoTtyOptions {
  return {
    term: term === '' ? 'xterm' : term,
    cols: stdout.columns ?? 80,
    rows: stdout.rows ?? 24,
    width: 0,
    height: 0,
  };
}
