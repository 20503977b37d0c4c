/**
 * What an error id stands for.
 * Exit codes: 1 failed, 2 usage, 3 a driver's pre-create check, 4 some of several machines,
 * 130 interrupted.
 */
export interface ErrorMeaning {
  /** One line for the reference of errors. */
  readonly summary: string;
  readonly exitCode?: 1 | 2 | 3 | 4 | 130;
  /** A provider's refusal, which it would repeat: what was asked for is never made. */
  readonly isRefusal?: true;
  /** Ids that older versions gave this error. docs/errors.md leads from them to the new one. */
  readonly formerly?: readonly `MM_${string}`[];
}

export interface ErrorText {
  /** One line: what happened, in the user's terms. */
  readonly message: string;
  /** One line: what to do about it, with the exact command where there is one. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** Longer foreign text, such as the last lines of a host's journal. Shown below the message. */
  readonly details?: string;
}

/** The same in every copy of this module. A driver that is installed by itself brings a copy. */
const MARK = Symbol.for('mymachine.MachineError');

/** Every failure a user can meet. Its `code` is stable and documented in docs/errors.md. */
export class MachineError extends Error {
  override readonly name = 'MachineError';
  readonly code: string;
  readonly exitCode: number;
  readonly hint: string | undefined;
  readonly details: string | undefined;

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && MARK in value;
  }

  constructor(code: string, exitCode: number, text: ErrorText) {
    super(text.message, text.cause === undefined ? undefined : { cause: text.cause });
    this.code = code;
    this.exitCode = exitCode;
    this.hint = text.hint;
    this.details = text.details;
  }

  get [MARK](): true {
    return true;
  }
}

/** Makes the constructor of a folder's errors. Their table is the source of docs/errors.md. */
export function errorsOf<C extends `MM_${string}`>(
  table: Readonly<Record<C, ErrorMeaning>>,
): (code: C, text: ErrorText) => MachineError {
  return (code, text) => new MachineError(code, table[code].exitCode ?? 1, text);
}

export function isMachineError(error: unknown, code?: string): error is MachineError {
  return error instanceof MachineError && (code === undefined || error.code === code);
}

/**
 * The same error with another message around its own, and with another hint if one is given.
 * An error that is none of ours stays as it is.
 */
export function reworded(error: unknown, reword: (message: string) => string, newHint?: string): unknown {
  if (!(error instanceof MachineError)) return error;
  const { code, exitCode, message, hint = newHint, details } = error;
  return new MachineError(code, exitCode, {
    message: reword(message),
    cause: error,
    ...(hint === undefined ? {} : { hint: newHint ?? hint }),
    ...(details === undefined ? {} : { details }),
  });
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * The code that the system gives an error, such as ENOENT; '' for an error without one.
 * A connection that failed at several addresses has the code of the first.
 */
export function codeOf(error: unknown): string {
  const first: unknown = error instanceof AggregateError && !('code' in error) ? error.errors[0] : error;
  return first instanceof Error && 'code' in first ? String(first.code) : '';
}
