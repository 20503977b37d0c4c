import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

const KEYS = 50_000;
/** Only ends a child that hangs. The keys take some twenty seconds. */
const LIMIT_MS = 280_000;

/** Node 20 used to hang within 50,000 keys, every other time. */
test('key generation never hangs, however many keys are made', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mm-keys-'));
  const program = join(folder, 'keys.mjs');
  const source = join(import.meta.dirname, '../../src/ssh/keys/ed25519.ts');
  try {
    await build({
      stdin: {
        contents: `
          import { generateKeyPair } from ${JSON.stringify(source)};
          let made = 0;
          for (; made < ${KEYS}; made += 1) generateKeyPair('');
          console.log(made);`,
        resolveDir: folder,
      },
      outfile: program,
      ...{ bundle: true, platform: 'node', format: 'esm', logLevel: 'error' },
    });
    // The child hears no SIGTERM while it hangs.
    const limit = { timeout: LIMIT_MS, killSignal: 'SIGKILL' } as const;
    const { stdout } = await promisify(execFile)(process.execPath, [program], limit);
    expect(stdout.trim()).toBe(String(KEYS));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
