import type { Duplex } from 'node:stream';
import type { Argv } from '../base/ports.ts';

/** Where and how to log in. */
export interface SshTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Private key file; '' means the agent, the user's ssh config and the default keys. */
  readonly keyPath: string;
  /** The machine's own known_hosts file (OpenSSH format), never the user's. */
  readonly knownHostsPath: string;
  /** The name the host's keys are pinned under in that file, so that a changed address keeps its pins. */
  readonly hostKeyAlias: string;
  /** pinned: only keys in the file. first-use: the first key seen is written there and shown. */
  readonly trust: 'pinned' | 'first-use';
  /** The machine's name in hints: "mymachine host-key NAME --forget" and the like. */
  readonly machineName: string;
}

export interface ExecOptions {
  /** Written to the command's stdin, which is then closed. Secrets go here, never in argv. */
  readonly input?: string | Uint8Array;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Bound on each of stdout and stderr in bytes; more ends the command with MM_SSH_OUTPUT. Default 4 MiB. */
  readonly maxOutputBytes?: number;
  /**
   * For a command that must not be cut off half way: where another is made to end, its channel alone is closed, and it
   * goes on to its own end. It must do without a reader (PIPE), and end some day.
   */
  readonly leaveRunning?: boolean;
  /** Called with pieces of stderr as they come, for progress. */
  readonly onStderr?: (text: string) => void;
}

export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
  /** undefined when a signal ended it. */
  readonly exitCode: number | undefined;
  /** Such as 'TERM', without SIG. */
  readonly signalName: string | undefined;
}

/** One connection to a host, over which any number of commands run, also side by side. */
export interface SshSession {
  readonly target: SshTarget;
  /** The host's address as this computer sees it; '' behind a proxy of the user's ssh config. */
  readonly remoteAddress: string;
  /** Runs a command; each argument reaches it unchanged, whatever it contains. A non-zero exit is a result, not an error. */
  exec(argv: Argv, options?: ExecOptions): Promise<ExecResult>;
  /** Replaces a file of the login user atomically (temporary name, mode, rename). */
  writeFile(path: string, content: string | Uint8Array, mode: number): Promise<void>;
  /** A stream to a unix socket of the host, such as /var/run/docker.sock. */
  connectUnix(path: string): Promise<Duplex>;
  close(): void;
}

/** Gives one connection a host and keeps it for the next who asks. */
export interface SshConnector {
  /** Connects, or gives the open session to the same target. Fails with MM_SSH_*. */
  session(
    target: SshTarget,
    options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal | undefined },
  ): Promise<SshSession>;
  /** Connects as soon as the host lets us, for hosts that are still booting: refused, unreachable and closed connections are tried again until `timeoutMs`. */
  sessionWhenUp(
    target: SshTarget,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  ): Promise<SshSession>;
  closeAll(): void;
}
