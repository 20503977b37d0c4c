import { testPorts } from './ports.ts';
import { sweepTestbeds } from './testbed.ts';
import { sweepVirtualBoxes } from './virtualbox/testbed.ts';

/**
 * For vitest's `globalSetup`: clears away the testbeds
 * of runs that were killed, before and after the tests.
 */
export async function setup(): Promise<void> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return;
  await sweepTestbeds(testPorts(), 'dead');
  await sweepVirtualBoxes();
}

export const teardown = setup;
