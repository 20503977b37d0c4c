import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Loads programs for shells as text, as scripts/build.mjs does. */
const shellText = {
  name: 'shell-text',
  load: (path: string) =>
    path.endsWith('.sh') ? `export default ${JSON.stringify(readFileSync(path, 'utf8'))}` : undefined,
};
const plugins = [shellText];

// unit: no network, no root, seconds. The other tiers are started by scripts/test.mjs, which also says what a machine cannot run.
export default defineConfig({
  test: {
    // vitest leaves one core to itself, and on two cores would run file after file.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      // Seconds where nothing else runs; several times that on a computer that is busy.
      {
        plugins,
        test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 30_000, hookTimeout: 60_000 },
      },
      { plugins, test: { name: 'contract', include: ['test/contract/**/*.test.ts'], testTimeout: 60_000 } },
      { plugins, test: { name: 'cli', include: ['test/cli/**/*.test.ts'], testTimeout: 60_000 } },
      { plugins, test: { name: 'compat', include: ['test/compat/**/*.test.ts'], testTimeout: 180_000 } },
      { plugins, test: { name: 'fault', include: ['test/fault/**/*.test.ts'], testTimeout: 300_000 } },
      {
        plugins,
        test: {
          name: 'e2e',
          globalSetup: ['test/testbed/global-setup.ts'],
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 1_200_000,
          hookTimeout: 1_200_000,
        },
      },
    ],
  },
});
