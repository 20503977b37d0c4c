import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { PROGRAM, type Sandbox } from '../program.ts';

export const SCRIPT = '/usr/bin/script';

/** How a terminal is. `columns` and `rows` are its size when the program begins. */
export interface PtyOptions {
  readonly columns: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Told all that was shown until now, whenever there is more. */
  readonly onOutput?: (shown: string, child: ChildProcess) => void;
}

/**
 * Runs a shell program on a terminal of its own, made by script(1). "$P" is our program.
 * Gives what the terminal was sent, and the exit status.
 */
export async function onPty(user: Sandbox, program: string, options: PtyOptions) {
  const { columns, rows = 24, env = {}, onOutput } = options;
  const argv = ['-qec', `stty cols ${columns} rows ${rows}; ${program}`, '/dev/null'];
  const child = spawn(SCRIPT, argv, {
    env: user.environment({ P: PROGRAM, TERM: 'xterm', SHELL: '/bin/sh', ...env }),
    cwd: user.home,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    shown += piece;
    onOutput?.(shown, child);
  });
  const [code] = await once(child, 'close');
  return { shown, code: code as number | null };
}

/** What is seen in the end of what a terminal of endless height was sent. */
export function screenOf(shown: string): string {
  const lines = [''];
  let row = 0;
  for (const [token] of shown.matchAll(/\u001b\[\d*[AJ]|\r|\n|[^\u001b\r\n]+/g)) {
    const up = /^\u001b\[(\d*)A$/.exec(token);
    if (up !== null) row = Math.max(0, row - Number(up[1] || 1));
    else if (token === '\u001b[J') lines.splice(row, Number.POSITIVE_INFINITY, '');
    else if (token === '\n') {
      row += 1;
      lines[row] ??= '';
    } else if (token !== '\r') lines[row] = `${lines[row] ?? ''}${token}`;
  }
  return lines.join('\n');
}
