import { randomBytes } from 'node:crypto';
import type { Client, ClientChannel } from 'ssh2';
import type { Clock } from '../../base/ports.ts';
import { quote } from '../quote.ts';
import signalMarked from './end-command.sh';

/** How long a command may take to end after it was told to. */
const GRACE_MS = 1000;

/**
 * A command line that puts a mark of its own into the command's environment, by which it is found when it must end. By a
 * program: csh has no assignments before a command.
 */
export function markCommand(line: string): { readonly line: string; readonly mark: string } {
  const mark = `MYMACHINE_EXEC=${randomBytes(8).toString('hex')}`;
  return { line: `env ${mark} ${line}`, mark };
}

/** Tells a command and all it has started to end, then makes them; resolves when its channel is closed or given up. */
export async function endCommand(
  client: Client,
  channel: ClientChannel,
  mark: string,
  clock: Clock,
): Promise<void> {
  const timer = new AbortController();
  const closed = new Promise<true>((resolve) => channel.once('close', () => resolve(true)));
  const grace = () =>
    clock.sleep(GRACE_MS, timer.signal).then(
      () => false,
      () => false,
    );
  try {
    for (const signal of ['TERM', 'KILL'] as const) {
      // The killer's own channel is waited for too: sshd counts it among the sessions that it allows.
      const killed = kill(client, mark, signal).then(() => closed);
      if (await Promise.race([killed, grace()])) return;
    }
    channel.close();
  } finally {
    timer.abort();
  }
}

/** On a channel of its own; that it cannot be opened any more is no news. */
function kill(client: Client, mark: string, signal: 'TERM' | 'KILL'): Promise<void> {
  return new Promise((resolve) => {
    try {
      client.exec(quote(['sh', '-c', signalMarked, 'mymachine', mark, signal]), (error, channel) => {
        if (error !== undefined) return resolve();
        channel.once('close', () => resolve()).on('error', () => undefined);
        channel.resume();
        channel.stderr.resume();
        channel.end();
      });
    } catch {
      // ssh2 throws when the connection is gone, and the command's channel with it.
      resolve();
    }
  });
}
