import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { listen } from './listen.ts';

export type Moment = 'before' | 'after';
/** Told of each call before it is made and when it is over; the call waits for it. */
export type CallWatcher = (moment: Moment, call: string) => void | Promise<void>;

/**
 * Where programs that stand at the border to the outside
 * report each call, and wait for leave to go on.
 */
export interface CallMonitor {
  readonly port: number;
  watch(watcher: CallWatcher | undefined): void;
  close(): Promise<void>;
}

/** Speaks lines over TCP: `before NAME` or `after NAME`, each answered with `go`. */
export async function openCallMonitor(): Promise<CallMonitor> {
  let watcher: CallWatcher | undefined;
  const server = createServer((socket) => {
    // A program that is killed resets its connection, which readline emits as an error of its own.
    const lines = createInterface({ input: socket }).on('error', () => undefined);
    lines.on('line', async (line) => {
      const [, moment, call = ''] = /^(before|after) (.*)$/.exec(line) ?? [];
      await watcher?.(moment as Moment, call);
      socket.write('go\n');
    });
  });
  // Hosts of the test bed reach it from their network.
  const { port, close } = await listen(server, '');
  return {
    port,
    watch: (next) => {
      watcher = next;
    },
    close,
  };
}

/**
 * What makes a host's sshd report each command that it runs (sshd_config(5),
 * ForceCommand). The monitor is at the computer from which the connection comes.
 */
export function reportingSshd(port: number): Readonly<Record<string, { content: string; mode: number }>> {
  return {
    'etc/ssh/sshd_config.d/50-testbed.conf': {
      content: 'ForceCommand /usr/local/sbin/reported\n',
      mode: 0o644,
    },
    'usr/local/sbin/reported': {
      content: `#!/bin/bash
report() {
  exec 9<>"/dev/tcp/\${SSH_CONNECTION%% *}/${port}" || exit 97
  printf '%s\\n' "$1" >&9
  read -r _ <&9
  exec 9>&-
}
report 'before ssh'
bash -c "$SSH_ORIGINAL_COMMAND"
status=$?
report 'after ssh'
exit $status
`,
      mode: 0o755,
    },
  };
}
