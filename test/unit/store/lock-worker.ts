import { readFile, writeFile } from 'node:fs/promises';
import { systemClock } from '../../../src/cli/computer/clock.ts';
import { withLock } from '../../../src/store/lock.ts';

// A process of its own that takes the lock: `count LOCK FILE TIMES`, `hold LOCK`, `die LOCK FILE`.
const [mode = '', path = '', file = '', times = '1'] = process.argv.slice(2);
const options = {
  clock: systemClock,
  command: `lock-worker ${mode}`,
  onWait: () => undefined,
  timeoutMs: 60_000,
};

async function addOne(): Promise<void> {
  const value = Number(await readFile(file, 'utf8'));
  await systemClock.sleep(1);
  await writeFile(file, String(value + 1));
}

if (mode === 'count') {
  for (let turn = 0; turn < Number(times); turn += 1) await withLock(path, options, addOne);
} else {
  await withLock(path, options, async () => {
    if (mode === 'die') {
      await addOne();
      process.kill(process.pid, 'SIGKILL');
    }
    process.stdout.write('held\n');
    await systemClock.sleep(600_000);
  });
}
