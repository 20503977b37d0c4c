import { isMachineError, messageOf } from '../../base/machine-error.ts';
import { type Deadline, inWords, retry, startDeadline, untilAborted } from '../../base/wait.ts';
import type { SshConnector, SshTarget } from '../contract.ts';
import { type ConnectSettings, connect, isGreeted, meet } from './connect.ts';
import { type ConnectStage, connectTimeout } from './failures.ts';
import type { Session } from './session.ts';

const CONNECT_TIMEOUT_MS = 10_000;
/** Further time once the host has taken the connection. A busy one is slow to log in. */
const PATIENCE_MS = 20_000;
/** A try while a host boots ends after this without progress: lost packets are better sent anew. */
const IDLE_MS = 5000;
/** The same, at most, once it has doubled for a host that took the connection and was too slow. */
const LONGEST_IDLE_MS = { way: 5000, greeting: 20_000, login: 80_000, agent: 80_000, touch: 80_000 };
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 1000;
/** How long logins may fail. cloud-init may write the user's keys after sshd has started. */
const AUTH_GRACE_MS = 8000;

interface Attempt {
  readonly promise: Promise<Session>;
  readonly stop: AbortController;
  stage: ConnectStage;
  /** How often anything has come of it: a further stage, or data of the host. */
  progress: number;
  waiting: number;
}

interface WaitOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** An SshConnector whose sessions can also open terminals and sftp (`Session`). */
export interface SessionConnector extends SshConnector {
  session(target: SshTarget, options?: WaitOptions): Promise<Session>;
  sessionWhenUp(target: SshTarget, options: WaitOptions & { readonly timeoutMs: number }): Promise<Session>;
  /** Sees the host's key, which is pinned if it may be, and leaves before any login. */
  meet(target: SshTarget, options: { readonly signal?: AbortSignal | undefined }): Promise<void>;
}

export function createSshConnector(settings: ConnectSettings): SessionConnector {
  const { clock, report } = settings;
  const attempts = new Map<string, Attempt>();
  const sessions = new Map<string, Session>();

  const startAttempt = (key: string, target: SshTarget): Attempt => {
    const stop = new AbortController();
    const onStage = (stage: ConnectStage) => {
      attempt.stage = stage;
      attempt.progress += 1;
    };
    const onData = () => {
      attempt.progress += 1;
    };
    const promise = connect(target, settings, stop.signal, { onStage, onData });
    const attempt: Attempt = { promise, stop, stage: 'way', progress: 0, waiting: 0 };
    attempts.set(key, attempt);
    promise
      .then((session) => {
        if (stop.signal.aborted) session.close();
        else sessions.set(key, session);
      })
      .catch(() => undefined)
      .finally(() => {
        if (attempts.get(key) === attempt) attempts.delete(key);
      });
    return attempt;
  };

  const join = async (
    target: SshTarget,
    signal: AbortSignal | undefined,
    deadlineOf: (attempt: Attempt) => Deadline,
  ): Promise<Session> => {
    signal?.throwIfAborted();
    const key = poolKey(target);
    const open = sessions.get(key);
    if (open?.isOpen === true) return open;
    sessions.delete(key);
    // All who ask for the same host wait for one attempt. The last who gives up ends it.
    const attempt = attempts.get(key) ?? startAttempt(key, target);
    const deadline = deadlineOf(attempt);
    attempt.waiting += 1;
    try {
      return await untilAborted(attempt.promise, deadline.signal);
    } finally {
      deadline.clear();
      attempt.waiting -= 1;
      if (attempt.waiting === 0 && deadline.signal.aborted) {
        if (attempts.get(key) === attempt) attempts.delete(key);
        attempt.stop.abort(deadline.signal.reason);
      }
    }
  };

  const session = (target: SshTarget, options: WaitOptions = {}): Promise<Session> =>
    join(target, options.signal, (attempt) => {
      let timeoutMs = options.timeoutMs ?? CONNECT_TIMEOUT_MS;
      return startDeadline(
        clock,
        timeoutMs,
        options.signal,
        () => connectTimeout(target, attempt.stage, inWords(timeoutMs)),
        () => {
          if (options.timeoutMs !== undefined || attempt.stage === 'way') return 0;
          timeoutMs += PATIENCE_MS;
          return PATIENCE_MS;
        },
      );
    });

  /** Ends when nothing has come of an attempt for `idleMs`, or at `end`. */
  const whileItMoves = (
    attempt: Attempt,
    signal: AbortSignal | undefined,
    idleMs: number,
    end: number,
    expired: () => Error,
  ): Deadline => {
    const ended = new AbortController();
    const timer = new AbortController();
    const watch = async () => {
      // The user may take any time to confirm what the agent or a security key asks.
      for (let seen = -1; attempt.progress !== seen || /agent|touch/.test(attempt.stage); ) {
        if (clock.now() >= end) return;
        seen = attempt.progress;
        await clock.sleep(Math.min(idleMs, end - clock.now()), timer.signal);
      }
    };
    watch().then(
      () => ended.abort(expired()),
      () => undefined,
    );
    return {
      signal: signal === undefined ? ended.signal : AbortSignal.any([ended.signal, signal]),
      clear: () => timer.abort(),
    };
  };

  const sessionWhenUp = async (
    target: SshTarget,
    options: WaitOptions & { readonly timeoutMs: number },
  ): Promise<Session> => {
    const end = clock.now() + options.timeoutMs;
    let authEnd: number | undefined;
    let pauseMs = FIRST_PAUSE_MS;
    let idleMs = IDLE_MS;
    let failure: unknown;
    const tryOnce = () =>
      join(target, options.signal, (tried) =>
        whileItMoves(tried, options.signal, idleMs, end, () => {
          idleMs = Math.min(Math.max(idleMs * 2, IDLE_MS), LONGEST_IDLE_MS[tried.stage]);
          return connectTimeout(target, tried.stage, inWords(options.timeoutMs));
        }),
      );
    const attempt = async () => {
      const before = failure;
      failure = undefined;
      try {
        return await tryOnce();
      } catch (error) {
        const isLate = isMachineError(error, 'MM_SSH_TIMEOUT');
        // The end has cut this try short, so the one before tells more.
        if (isLate && before !== undefined && clock.now() >= end) throw before;
        if (!isLate) failure = error;
        throw error;
      }
    };
    const isBooting = (error: unknown): boolean => {
      if (!isMachineError(error)) return false;
      const isAuth = error.code === 'MM_SSH_AUTH';
      if (!isAuth && !BOOTING.has(error.code)) return false;
      const now = clock.now();
      if (isAuth) authEnd ??= now + AUTH_GRACE_MS;
      if ((isAuth && now >= (authEnd ?? now)) || now + pauseMs >= end) return false;
      report.debug('ssh', `${target.host}:${target.port}: ${error.code}, trying again`);
      return true;
    };
    const intervalMs = () => {
      const pause = pauseMs;
      pauseMs = Math.min(pauseMs * 1.2, LONGEST_PAUSE_MS);
      return pause;
    };
    const { signal, timeoutMs } = options;
    return retry(attempt, isBooting, { clock, signal, timeoutMs, intervalMs });
  };

  return {
    session,
    sessionWhenUp,
    async meet(target, { signal }) {
      let stage: ConnectStage = 'way';
      const timeoutMs = CONNECT_TIMEOUT_MS + PATIENCE_MS;
      const late = () => connectTimeout(target, stage, inWords(timeoutMs));
      const deadline = startDeadline(clock, timeoutMs, signal, late);
      const onStage = (reached: ConnectStage) => {
        stage = reached;
      };
      try {
        await meet(target, settings, deadline.signal, { onStage });
      } finally {
        deadline.clear();
      }
    },
    async isGreeted(target, { timeoutMs, signal }) {
      const late = () => connectTimeout(target, 'greeting', inWords(timeoutMs));
      const deadline = startDeadline(clock, timeoutMs, signal, late);
      try {
        return await untilAborted(isGreeted(target, settings, deadline.signal), deadline.signal);
      } catch (error) {
        signal?.throwIfAborted();
        report.debug('ssh', `${target.host}:${target.port}: ${messageOf(error)}`);
        return false;
      } finally {
        deadline.clear();
      }
    },
    closeAll() {
      for (const attempt of attempts.values()) attempt.stop.abort(new Error('closed'));
      for (const open of sessions.values()) open.close();
      attempts.clear();
      sessions.clear();
    },
  };
}

/** The failures of a host that is still booting. */
const BOOTING: ReadonlySet<string> = new Set([
  'MM_SSH_REFUSED',
  'MM_SSH_UNREACHABLE',
  'MM_SSH_TIMEOUT',
  'MM_SSH_CLOSED',
  'MM_SSH_PROXY',
  'MM_SSH_HOST_UNKNOWN',
]);

function poolKey(target: SshTarget): string {
  const { host, port, user, keyPath, knownHostsPath, hostKeyAlias, trust } = target;
  return JSON.stringify([host, port, user, keyPath, knownHostsPath, hostKeyAlias, trust]);
}
