import type { Duplex } from 'node:stream';
import type { ClientChannel, PseudoTtyOptions, SFTPWrapper } from 'ssh2';
import { isMachineError } from '../../base/machine-error.ts';
import type { Argv, Clock } from '../../base/ports.ts';
import { lastLines, printable } from '../../base/printable.ts';
import { inWords, retry, startDeadline } from '../../base/wait.ts';
import type { ExecOptions, ExecResult, SshSession, SshTarget } from '../contract.ts';
import { sshError } from '../errors.ts';
import { quote } from '../quote.ts';
import {
  type CommandChannel,
  type Connection,
  collect,
  describeCommand,
  endCommand,
  Gate,
  markCommand,
  openChannel,
  refusal,
} from './exec.ts';
import { closedFailure } from './failures.ts';
import writeFile from './write-file.sh';

/** sshd's MaxSessions is ten. Two are left for sftp and a shell. */
const MAX_COMMANDS = 8;
/** A host that opens no channel for this long, with no command of ours running, has refused it. */
const REFUSED_MS = 1000;

/** A connection that is logged in. At most eight commands run at once; the others wait. */
export class Session implements SshSession {
  readonly target: SshTarget;
  readonly remoteAddress: string;
  readonly #client: Connection;
  readonly #stream: Duplex | undefined;
  readonly #clock: Clock;
  readonly #gate = new Gate(MAX_COMMANDS);
  readonly #killGate = new Gate(1);
  #running = 0;
  /** When a command of ours last ran. */
  #lastActive = 0;
  /** Why the connection ended; undefined as long as it is open. */
  #closure: { readonly cause: Error | undefined } | undefined;

  /** @param route what the connection goes through, unless that ends with it. */
  constructor(
    client: Connection,
    target: SshTarget,
    route: { readonly remoteAddress: string; readonly stream?: Duplex },
    clock: Clock,
  ) {
    this.target = target;
    this.remoteAddress = route.remoteAddress;
    this.#client = client;
    this.#stream = route.stream;
    this.#clock = clock;
    let cause: Error | undefined;
    client.on('error', (error) => {
      cause ??= error;
    });
    client.once('close', () => {
      this.#closure ??= { cause };
    });
  }

  get isOpen(): boolean {
    return this.#closure === undefined;
  }

  async exec(argv: Argv, options: ExecOptions = {}): Promise<ExecResult> {
    const { line, mark } = markCommand(quote(argv));
    const deadline = startDeadline(this.#clock, options.timeoutMs, options.signal, () =>
      sshError('MM_SSH_TIMEOUT', {
        message: `${this.target.machineName}: '${describeCommand(argv)}' did not end within ${inWords(options.timeoutMs ?? 0)}`,
        hint: `See what the host is doing with "mymachine ssh ${this.target.machineName} ps aux".`,
      }),
    );
    let leave: (() => void) | undefined;
    try {
      leave = await this.#gate.enter(deadline.signal);
      const running = await this.#openWhenFree(deadline.signal, (signal) =>
        this.#open<CommandChannel, { readonly ended: ReturnType<typeof collect> }>(
          signal,
          (callback) => this.#client.exec(line, {}, callback),
          (channel) => {
            const end = async () => (options.leaveRunning ? channel.close() : this.#end(channel, mark));
            return { ended: collect(channel, options, signal, end) };
          },
          (error) => this.#refused(error),
        ),
      );
      this.#running += 1;
      const outcome = await running.ended.finally(() => {
        this.#running -= 1;
        this.#lastActive = this.#clock.now();
      });
      if (!('kind' in outcome)) return outcome;
      if (outcome.kind === 'aborted') throw outcome.reason;
      if (outcome.kind === 'closed') throw this.#closed();
      throw sshError('MM_SSH_OUTPUT', {
        message: `${this.target.machineName}: '${describeCommand(argv)}' wrote more than ${outcome.limit} bytes to its ${outcome.stream}`,
        hint: `Look at the host with "mymachine ssh ${this.target.machineName}".`,
      });
    } finally {
      leave?.();
      deadline.clear();
    }
  }

  async writeFile(path: string, content: string | Uint8Array, mode: number): Promise<void> {
    const bytes = Buffer.from(content);
    const permissions = mode.toString(8).padStart(4, '0');
    const argv: Argv = ['sh', '-c', writeFile, 'mymachine', path, permissions, String(bytes.length)];
    const ran = await this.exec(argv, { input: bytes });
    if (ran.exitCode === 0) return;
    throw sshError('MM_SSH_WRITE', {
      message: `${this.target.machineName}: cannot write ${printable(path, 300)}: ${lastLines(ran.stderr, 1, 300)}`,
      hint: `Check the folder, its owner and the free space with "mymachine ssh ${this.target.machineName} df -h".`,
    });
  }

  connectUnix(path: string): Promise<Duplex> {
    return this.#open<Duplex, Duplex>(
      undefined,
      (callback) => this.#client.openssh_forwardOutStreamLocal(path, callback),
      (channel) => channel,
      (error) =>
        sshError('MM_SSH_FORWARD', {
          message: `${this.target.machineName} does not connect us to ${printable(path, 200)}: ${refusal(error)}`,
          hint: `Check that something listens there, that ${this.target.user} may use it, and AllowStreamLocalForwarding in its sshd_config.`,
          cause: error,
        }),
    );
  }

  /**
   * Runs a command line as the user typed it, or a login shell for ''. With `pty` it has a
   * terminal. `attach` must add the listeners for the channel's events.
   */
  openCommand<T extends object>(
    commandLine: string,
    pty: PseudoTtyOptions | undefined,
    attach: (channel: ClientChannel) => T,
  ): Promise<T> {
    return this.#open<ClientChannel, T>(
      undefined,
      (callback) => {
        if (commandLine === '') this.#client.shell(pty ?? false, callback);
        else {
          const options = pty === undefined ? {} : { pty };
          this.#client.exec(commandLine, options, (error, channel) =>
            callback(error, channel as ClientChannel),
          );
        }
      },
      attach,
      (error) => this.#refused(error),
    );
  }

  openSftp(): Promise<SFTPWrapper> {
    return this.#open<SFTPWrapper, SFTPWrapper>(
      undefined,
      (callback) => this.#client.sftp(callback),
      (sftp) => sftp,
      (error) =>
        sshError('MM_SSH_TRANSFER', {
          message: `${this.target.machineName} offers no file transfer (sftp): ${refusal(error)}`,
          hint: 'Its sshd_config needs the line "Subsystem sftp internal-sftp".',
          cause: error,
        }),
    );
  }

  close(): void {
    this.#closure ??= { cause: undefined };
    this.#client.end();
    // A host that is gone never acknowledges the end. An open stream would keep this process alive.
    this.#stream?.destroy();
  }

  async #open<C extends { destroy(): unknown }, T extends object>(
    signal: AbortSignal | undefined,
    open: (callback: (error: Error | undefined, channel: C) => void) => void,
    attach: (channel: C) => T,
    refused: (error: unknown) => Error,
  ): Promise<T> {
    if (this.#closure !== undefined) throw this.#closed();
    try {
      return await openChannel(this.#client, signal ?? new AbortController().signal, open, attach);
    } catch (error) {
      if (signal?.aborted === true) throw error;
      throw this.#closure === undefined ? refused(error) : this.#closed();
    }
  }

  /**
   * Opens a channel, again and again while commands of ours may hold all that the host allows
   * (MaxSessions). A host frees a channel a little after its command has ended.
   */
  async #openWhenFree<T>(signal: AbortSignal, open: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const began = this.#clock.now();
    const isIdle = () =>
      this.#running === 0 && this.#clock.now() - Math.max(began, this.#lastActive) > REFUSED_MS;
    return retry(
      () => open(signal),
      (error) => !isIdle() && isMachineError(error, 'MM_SSH_COMMAND'),
      { clock: this.#clock, signal, intervalMs: 100 },
    );
  }

  /** Ends one command at a time, so that a channel is left for sftp or a shell. */
  async #end(channel: CommandChannel, mark: string): Promise<void> {
    const leave = await this.#killGate.enter(new AbortController().signal);
    try {
      await endCommand(this.#client, channel, mark, this.#clock);
    } finally {
      leave();
    }
  }

  #refused(error: unknown): Error {
    return sshError('MM_SSH_COMMAND', {
      message: `${this.target.machineName} does not run a command for ${this.target.user}: ${refusal(error)}`,
      hint: 'Check MaxSessions in its sshd_config, and its free memory and processes.',
      cause: error,
    });
  }

  #closed(): Error {
    return closedFailure(this.target, this.#closure?.cause, '');
  }
}
