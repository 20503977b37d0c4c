import { systemClock } from '../../../src/cli/computer/clock.ts';
import type { LockScope } from '../../../src/sdk/context.ts';
import { testLocks } from '../../testbed/driver-context.ts';

// A process of its own that holds a lock until it is killed: `SCOPE NAME STORE CACHE`.
const [, , scope = '', name = '', store = '', cache = ''] = process.argv;
const hold = async () => {
  process.stdout.write('held\n');
  await systemClock.sleep(600_000);
};
await testLocks(store, cache)(name, hold, { scope: scope as LockScope });
