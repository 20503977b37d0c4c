import type { Client } from 'ssh2';

/**
 * Opens a channel by one of ssh2's callback methods, and closes it again if it opens after the signal. `attach` must add
 * the listeners: it runs at once, for the exit of a quick command may stand in the same packet as the channel's opening.
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

/** A channel that nobody waits for any more. ssh2's sftp has no close. */
function close(channel: { end(): unknown; close?: unknown }): void {
  if (typeof channel.close === 'function') channel.close();
  else channel.end();
}
