import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Instance } from '../../testbed/ec2/instances.ts';
import { useCloudAccount } from './cloud-account.ts';

const account = useCloudAccount();

/**
 * A create that is killed before it is told what it launched.
 * Then somebody terminates the instance, and the persistent request stays.
 */
async function openRequest(): Promise<void> {
  const { cloud, fleet } = account.server;
  await account.killedCreate(['--amazonec2-request-spot-instance', 'h1']);
  await account.age('h1');
  for (const instance of cloud.every<Instance>('instance')) fleet.terminate(instance);
  await fleet.settled();
  expect(cloud.living()).toContainEqual(expect.stringMatching(/^spot-instances-request /));
}

test('rm cancels a spot request that nobody has told of and that has no instance', async () => {
  await openRequest();
  const removed = await account.user.run(['rm', '-y', 'h1']);
  expect(removed, removed.stderr).toMatchObject({ code: 0 });
  expect(account.server.cloud.living()).toEqual([]);
}, 60_000);

test('gc finds such a request when the record is lost as well', async () => {
  await openRequest();
  await rm(join(account.user.store, 'machines', 'h1'), { recursive: true });
  const swept = await account.user.run(['gc', '-y', ...account.where()]);
  expect(swept, swept.stderr).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^orphan {2}amazonec2 us-east-1 {2}spot request sir-/m),
  });
  expect(account.server.cloud.living()).toEqual([]);
}, 60_000);
