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
  /** The name of the host's keys in that file. They stay pinned when the address changes. */
  readonly hostKeyAlias: string;
  /** pinned: only keys in the file. first-use: the first key seen is added to it, and shown. */
  readonly trust: 'pinned' | 'first-use';
  /** The machine's folder is gone after this run, so nothing is said of a key that is added. */
  readonly isPassing?: boolean;
  /** The machine's name, for hints such as "mymachine host-key NAME --forget". */
  readonly machineName: string;
}

/** A side of a copy: on this computer, or of a machine. */
export type CopySide =
  | { readonly kind: 'local'; readonly path: string }
  | {
      readonly kind: 'machine';
      readonly target: SshTarget;
      readonly path: string;
      /** The user's ssh config knows the host by its name: blocks for that name count. */
      readonly isNamed?: boolean;
    };

export interface ExecOptions {
  /** Written to the command's stdin, which is then closed. Secrets go here, never in argv. */
  readonly input?: string | Uint8Array;
  /** Written behind `input` once the command has said so on its stderr. Left out, nothing is. */
  readonly inputWhenSaid?: { readonly said: string; readonly input: string | Uint8Array };
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Bound on stdout and on stderr. More ends the command with MM_SSH_OUTPUT. Default 4 MiB. */
  readonly maxOutputBytes?: number;
  /**
   * For a command that must not be cut off half way. Instead of ending it we close its channel.
   * The command must cope with a reader that is gone (SIGPIPE), and end by itself.
   */
  readonly leaveRunning?: boolean;
  /** Called with each piece of stderr, for progress. */
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

/** One connection to a host. Any number of commands run over it, also at the same time. */
export interface SshSession {
  readonly target: SshTarget;
  /** The host's address as this computer sees it; '' behind a proxy of the user's ssh config. */
  readonly remoteAddress: string;
  /** Runs a command. Its arguments arrive unchanged. A non-zero exit is a result, not an error. */
  exec(argv: Argv, options?: ExecOptions): Promise<ExecResult>;
  /** Replaces a file atomically, as the login user. */
  writeFile(path: string, content: string | Uint8Array, mode: number): Promise<void>;
  /** A stream to a unix socket of the host, such as /var/run/docker.sock. */
  connectUnix(path: string): Promise<Duplex>;
  close(): void;
}

/** Opens one connection to each host, and keeps it for the next who asks. */
export interface SshConnector {
  /** Connects, or gives the session that is open. Fails with MM_SSH_*. */
  session(
    target: SshTarget,
    options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal | undefined },
  ): Promise<SshSession>;
  /**
   * Connects to a host that may still be booting. Refused, unreachable and closed connections are
   * tried again until `timeoutMs`.
   */
  sessionWhenUp(
    target: SshTarget,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  ): Promise<SshSession>;
  /** Whether an SSH server greets us where the user's ssh config leads. */
  isGreeted?(
    target: SshTarget,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  ): Promise<boolean>;
  closeAll(): void;
}
