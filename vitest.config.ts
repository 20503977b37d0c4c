import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Machines that boot by emulation take minutes: whoever tests them begins first, so that no long test runs alone at the
 * end. The others go by what vitest knows of them.
 */
class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const emulates = (file: TestSpecification) => /\/e2e\/.*qemu/.test(file.moduleId);
    return [...sorted.filter(emulates), ...sorted.filter((file) => !emulates(file))];
  }
}

// unit: no network, no root, seconds. The other tiers are started by scripts/test.mjs, which also says what a machine cannot run.
export default defineConfig({
  test: {
    sequence: { sequencer: SlowestFirst },
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      { test: { name: 'contract', include: ['test/contract/**/*.test.ts'], testTimeout: 60_000 } },
      { test: { name: 'cli', include: ['test/cli/**/*.test.ts'], testTimeout: 60_000 } },
      { test: { name: 'compat', include: ['test/compat/**/*.test.ts'], testTimeout: 180_000 } },
      { test: { name: 'fault', include: ['test/fault/**/*.test.ts'], testTimeout: 300_000 } },
      {
        test: {
          name: 'e2e',
          globalSetup: ['test/testbed/global-setup.ts'],
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
