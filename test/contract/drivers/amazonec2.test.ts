import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { Clock } from '../../../src/base/ports.ts';
import { amazonec2Driver } from '../../../src/drivers/amazonec2/driver.ts';
import { driverContract, testContext, testPorts } from '../../../src/sdk/testing/index.ts';
import { startEc2 } from '../../testbed/ec2/server.ts';

// The AWS SDK itself talks to a server of our own. Instances are records there, without hosts.

const { clock: real } = testPorts(() => undefined);
let skippedMs = 0;

/** Waiting takes no time, and the clock goes on as if it had. */
const clock: Clock = {
  now: () => real.now() + skippedMs,
  sleep: async (ms, signal) => {
    skippedMs += ms;
    await real.sleep(1, signal);
  },
};

const server = await startEc2({ hosts: false, now: clock.now });
afterEach(() => expect(server.cloud.living()).toEqual([]));
afterAll(() => server.close());

const bed = {
  flags: {
    'amazonec2-endpoint': server.url,
    'amazonec2-region': 'us-east-1',
    // Keys that the server knows. Like any secret they must be found nowhere.
    'amazonec2-access-key': 'AKIATESTBED0000',
    'amazonec2-secret-key': 'never-to-be-seen-key',
    'amazonec2-session-token': 'never-to-be-seen-token',
  },
  holdings: async () => server.cloud.living(),
  ports: { clock },
};

const plain = await driverContract(amazonec2Driver, bed);
describe('a machine of the defaults', () => {
  for (const { name, run } of plain)
    test(name, () => {
      Object.assign(server.cloud.behaviour, { transitionMs: 0, consistencyMs: 0 });
      return run();
    });
});

const shared = await driverContract(amazonec2Driver, {
  ...bed,
  flags: {
    ...bed.flags,
    'amazonec2-request-spot-instance': true,
    'amazonec2-ssh-only': true,
    'amazonec2-security-group': ['shared'],
  },
});
describe('spot machines with a common group, where EC2 shows for ten seconds nothing of what is new', () => {
  for (const { name, run } of shared)
    test(name, () => {
      Object.assign(server.cloud.behaviour, { transitionMs: 0, consistencyMs: 10_000 });
      return run();
    });
});

test('the console of an instance is told, also of a type that gives no latest one', async () => {
  const storeDir = await mkdtemp(join(tmpdir(), 'mymachine-contract-'));
  const { explain, create, remove } = await amazonec2Driver.load();
  const ports = { ...testPorts(() => undefined), clock };
  const options = { ports, storeDir, cacheDir: storeDir, name: 'h1', flags: bed.flags };
  const context = await testContext(amazonec2Driver, options);
  expect(await explain?.(context)).toBe('');
  await create(context);
  expect(await explain?.(context)).toContain('Failed to start ssh.service');
  await remove(context);
  await rm(storeDir, { recursive: true });
});
