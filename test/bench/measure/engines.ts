import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { startFakeEngine } from '../../testbed/fake-engine.ts';
import { listen } from '../../testbed/listen.ts';

export interface Engines {
  /** HOST:PORT of engines that answer over TLS. */
  readonly live: readonly string[];
  /** Takes connections and never says a word. */
  readonly silent: string;
  close(): void;
}

const FLAG = '--engines';

/**
 * In a process of their own, so that their work is nobody's
 * CPU time: the bench starts itself again with a flag.
 */
export function startEngines(certDir: string, count: number): Promise<Engines> {
  const child = spawn(process.execPath, [process.argv[1] ?? '', FLAG, certDir, String(count)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.stdout.setEncoding('utf8').once('data', (line) => {
      const { live, silent } = JSON.parse(line) as Engines;
      resolve({ live, silent, close: () => child.kill() });
    });
  });
}

/** Whether this process is the one of the engines; it then serves until the bench goes. */
export async function serveEngines(argv: readonly string[]): Promise<boolean> {
  const [flag, certDir = '', count = '1'] = argv;
  if (flag !== FLAG) return false;
  const stubs = await Promise.all(Array.from({ length: Number(count) }, () => startFakeEngine({ certDir })));
  const { port } = await listen(createServer());
  console.log(JSON.stringify({ live: stubs.map(({ address }) => address), silent: `127.0.0.1:${port}` }));
  process.stdin.on('end', () => process.exit(0)).resume();
  return true;
}
