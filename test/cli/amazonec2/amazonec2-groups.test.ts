import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { VPC } from '../../testbed/ec2/catalogue.ts';
import type { Instance } from '../../testbed/ec2/instances.ts';
import { useCloudAccount } from './cloud-account.ts';

const account = useCloudAccount();

afterEach(() => {
  for (const group of account.server.cloud.every('security-group')) account.server.cloud.remove(group);
});

const shared = ['--amazonec2-security-group', 'ours'];

async function removed(name: string): Promise<string> {
  await account.age(name);
  const outcome = await account.user.run(['rm', '-y', name]);
  expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
  return outcome.stdout + outcome.stderr;
}

test.each(['DependencyViolation', 'InvalidGroup.InUse'] as const)(
  'a group that was made for several machines stays while one uses it (%s), and goes with the last',
  async (groupInUse) => {
    const { cloud } = account.server;
    Object.assign(cloud.behaviour, { groupInUse, interfaceLingersMs: 3000 });
    await account.interruptedCreate([...shared, 'h1']);
    await account.interruptedCreate([...shared, 'h2']);
    const before = account.server.calls.length;
    expect(await removed('h1')).toMatch(/The security group sg-\S+ stays: something else uses it/);
    // It is h2's as well, and is not tried.
    const calls = account.server.calls.slice(before);
    expect(calls.filter(({ action }) => action === 'DeleteSecurityGroup')).toEqual([]);
    // It bears the tags of the first, whose it is not any more.
    const swept = await account.user.run(['gc', ...account.where(), '--dry-run']);
    expect(swept.stdout).toContain('Nothing is left over');
    // The network interface of the last holds it for a while after the instance.
    await removed('h2');
    expect(cloud.living()).toEqual([]);
  },
  60_000,
);

test('a shared group that a server would delete under its user stays', async () => {
  const { cloud } = account.server;
  cloud.behaviour.deletesGroupsInUse = true;
  await account.interruptedCreate([...shared, 'h1']);
  await account.interruptedCreate([...shared, 'h2']);
  expect(await removed('h1')).toMatch(/The security group sg-\S+ stays: something else uses it/);
  expect(cloud.living().filter((each) => each.startsWith('security-group'))).toHaveLength(1);
  await removed('h2');
  expect(cloud.living()).toEqual([]);
}, 60_000);

test('a removal that is told twice does not ask for what it saw go the first time', async () => {
  const { cloud } = account.server;
  await account.interruptedCreate(['h1']);
  await account.age('h1');
  cloud.behaviour.refuse = {
    DeleteSecurityGroup: { code: 'UnauthorizedOperation', message: 'no', status: 403 },
  };
  expect(await account.user.run(['rm', '-y', 'h1'])).toMatchObject({ code: 1 });
  cloud.resetBehaviour();
  const before = account.server.calls.length;
  await removed('h1');
  const calls = account.server.calls.slice(before).map(({ action }) => action);
  expect(calls).not.toContain('TerminateInstances');
  expect(calls).not.toContain('DeleteKeyPair');
  expect(calls.filter((action) => action === 'DeleteSecurityGroup')).toHaveLength(1);
  expect(cloud.living()).toEqual([]);
}, 60_000);

test('gc takes a shared group that nobody uses any more', async () => {
  const { cloud, fleet } = account.server;
  await account.interruptedCreate([...shared, 'h1']);
  await rm(join(account.user.store, 'machines', 'h1'), { recursive: true });
  for (const each of cloud.every<Instance>('instance')) fleet.terminate(each);
  await fleet.settled();
  const swept = await account.user.run(['gc', ...account.where(), '-y']);
  expect(swept.stdout).toMatch(/^orphan .* security group sg-/m);
  expect(cloud.living()).toEqual([]);
});

test('--dry-run tells that a group which is to be made is opened, whatever stays as it is', async () => {
  const args = ['--dry-run', '--amazonec2-security-group', 'new', '--amazonec2-security-group-readonly'];
  const outcome = await account.create([...args, 'h1']);
  expect(outcome.stdout).toMatch(/group +new, 22 and 2376 open to 127\.0\.0\.1\/32\n/);
});

test('a group that stays as it is needs nobody’s address; who is let in by it is not asked, but whether anybody is', async () => {
  const { cloud } = account.server;
  const ssh = { protocol: 'tcp', from: 22, to: 22, cidr: '198.51.100.0/24', description: '' };
  cloud.add('security-group', {}, { name: 'theirs', vpcId: VPC.id, permissions: [ssh] });
  const args = ['--amazonec2-security-group', 'theirs', '--amazonec2-security-group-readonly'];
  const outcome = await account.interruptedCreate([...args, 'h1'], { env: { MACHINE_DEBUG: 'true' } });
  expect(outcome.stderr).toContain('The security group theirs does not open 2376/tcp to anybody;');
  expect(outcome.stderr).not.toContain('opening to');
  await removed('h1');
});
