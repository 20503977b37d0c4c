import { testPorts } from './ports.ts';
import { sweepTestbeds } from './testbed.ts';

/** For vitest's `globalSetup`: clears away the testbeds of runs that were killed, before and after the tests. */
export async function setup(): Promise<void> {
  if (process.platform === 'linux' && process.getuid?.() === 0) await sweepTestbeds(testPorts(), 'dead');
}

export const teardown = setup;
