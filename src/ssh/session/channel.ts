import type { Client } from 'ssh2';

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
 * closed. `attach` must add the listeners. It runs at once, since the exit of a quick command may
 * be in the same packet as the opening of its channel.
 */
export function openChannel<C extends { end(): unknown }, T extends object>(
  client: Client,
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
        else if (signal.aborted) close(channel);
        else resolve(attach(channel));
      });
    } catch (error) {
      // ssh2 throws "Not connected".
      settle();
      reject(error);
    }
  });
}

/** Closes a channel that nobody waits for any more. ssh2's sftp has no close. */
function close(channel: { end(): unknown; close?: unknown }): void {
  if (typeof channel.close === 'function') channel.close();
  else channel.end();
}
