import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Instance } from '../../testbed/ec2/instances.ts';
import { Sandbox } from '../program.ts';
import { KEYS, useCloudAccount } from './cloud-account.ts';

const account = useCloudAccount();

afterEach(() => {
  for (const kind of ['instance', 'volume', 'network-interface', 'key-pair', 'security-group'] as const)
    for (const each of account.server.cloud.every(kind)) account.server.cloud.remove(each);
});

const instanceOf = (name: string) => {
  const found = account.server.cloud
    .every<Instance>('instance')
    .find(({ tags, gone }) => !gone && tags['Name'] === name);
  if (found === undefined) throw new Error(`no instance of ${name}`);
  return found;
};

const asked = () => `Asked amazonec2 (region us-east-1, endpoint ${account.server.url})`;
const NO_KEYS = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' };

test('rm -f that could not remove says what is left and how to find it, and gc finds it by itself', async () => {
  await account.readyMachine('h1');
  const { id } = instanceOf('h1');
  const removed = await account.user.run(['rm', '-y', '-f', 'h1'], { env: NO_KEYS });
  expect(removed).toMatchObject({ code: 0 });
  expect(removed.stdout).not.toContain('Successfully removed');
  expect(removed.stderr).toContain(`instance ${id}`);
  const command = /"mymachine (gc --driver amazonec2 [^"]*)"/.exec(removed.stderr)?.[1] ?? '';
  expect(command).toContain('--amazonec2-region us-east-1');
  const named = await account.user.run([...command.split(' '), '--dry-run']);
  expect(named.stdout).toContain(`instance ${id}  of "h1"`);
  const shown = await account.user.run(['gc', '--dry-run']);
  expect(shown.stdout).toContain(`${asked()}\n`);
  expect(shown.stdout).toContain(`instance ${id}  of "h1"`);
  expect(await account.user.run(['gc', '-y'])).toMatchObject({ code: 0 });
  expect(account.server.cloud.living()).toEqual([]);
}, 120_000);

test('gc that could not ask does not say that nothing is left', async () => {
  await account.readyMachine('h1');
  await account.user.run(['rm', '-y', '-f', 'h1'], { env: NO_KEYS });
  const blind = await account.user.run(['gc', '-y'], { env: NO_KEYS });
  expect(blind).toMatchObject({ code: 1, stderr: expect.stringContaining('MM_EC2_CREDENTIALS') });
  expect(blind.stdout).not.toContain('Nothing is left over');
  expect(blind.stdout).not.toContain('Asked');
}, 60_000);

test('an account that cannot be asked does not hide what another holds', async () => {
  await account.interruptedCreate(['lost']);
  await rm(join(account.user.store, 'machines', 'lost'), { recursive: true });
  const elsewhere = {
    driver: 'amazonec2',
    flags: { 'amazonec2-region': 'nowhere-1', 'amazonec2-endpoint': 'http://127.0.0.1:1' },
  };
  await writeFile(join(account.user.store, 'accounts', 'other.json'), JSON.stringify(elsewhere));
  const swept = await account.user.run(['gc', '-y']);
  expect(swept).toMatchObject({ code: 4, stderr: expect.stringContaining('nowhere-1') });
  expect(swept.stdout).toContain('of "lost"');
  expect(account.server.cloud.living()).toEqual([]);
}, 120_000);

test('what the store remembers of accounts holds no key', async () => {
  const given = ['--amazonec2-access-key', 'AKIAGIVEN00000', '--amazonec2-secret-key', 'secret-of-the-test'];
  await account.readyMachine('h1', given);
  const folder = join(account.user.store, 'accounts');
  const texts = await Promise.all(
    (await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')),
  );
  expect(texts.map((text) => JSON.parse(text))).toEqual([
    {
      driver: 'amazonec2',
      flags: { 'amazonec2-region': 'us-east-1', 'amazonec2-endpoint': account.server.url },
    },
  ]);
  await account.user.run(['rm', '-y', 'h1']);
}, 60_000);

test('gc finds what no store knows and leaves what another store made', async () => {
  await account.interruptedCreate(['lost']);
  await account.interruptedCreate(['kept']);
  await rm(join(account.user.store, 'machines', 'lost'), { recursive: true });
  const args = account.where();
  const before = account.server.cloud.living();
  const shown = await account.user.run(['gc', ...args, '--dry-run']);
  expect(shown, shown.stderr).toMatchObject({ code: 0 });
  expect(shown.stdout).toMatch(/^orphan {2}amazonec2 us-east-1 {2}instance i-\S+ {2}of "lost"/m);
  expect(shown.stdout).not.toContain('kept');
  expect(account.server.cloud.living()).toEqual(before);
  const stranger = await Sandbox.make(KEYS);
  expect(await stranger.run(['gc', ...args, '-y'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Nothing is left over'),
  });
  await stranger.remove();
  const done = await account.user.run(['gc', ...args, '-y']);
  expect(done, done.stderr).toMatchObject({ code: 0 });
  expect(
    account.server.cloud
      .every('instance')
      .filter(({ gone }) => !gone)
      .map(({ tags }) => tags['Name']),
  ).toEqual(['kept']);
  await account.user.run(['rm', '-y', 'kept']);
  expect(account.server.cloud.living()).toEqual([]);
}, 240_000);

test('a store that was moved still knows what it made', async () => {
  await account.readyMachine('ready');
  const elsewhere = join(account.user.home, 'elsewhere');
  await rename(account.user.store, elsewhere);
  const moved = await Sandbox.make({ ...KEYS, MACHINE_STORAGE_PATH: elsewhere });
  const before = account.server.cloud.living();
  const swept = await moved.run(['gc', '-y']);
  expect(swept, swept.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing is left') });
  expect(account.server.cloud.living()).toEqual(before);
  await rm(join(elsewhere, 'machines', 'ready'), { recursive: true });
  expect((await moved.run(['gc', ...account.where(), '--dry-run'])).stdout).toContain('of "ready"');
  await moved.remove();
}, 60_000);

test('a launch whose answer was lost is the same call again after its store was moved', async () => {
  await account.killedCreate(['h1']);
  instanceOf('h1').visibleAt = Date.now() + 3000;
  const elsewhere = join(account.user.home, 'elsewhere');
  await rename(account.user.store, elsewhere);
  const moved = await Sandbox.make({ ...KEYS, MACHINE_STORAGE_PATH: elsewhere });
  const resumed = await account.interrupted(['create', '--resume', 'h1'], {}, moved);
  expect(resumed, resumed.stderr).toMatchObject({ code: 130 });
  const launches = account.server.calls.filter(({ action, dryRun }) => action === 'RunInstances' && !dryRun);
  expect(launches.map(({ outcome }) => outcome)).toEqual(['ok', 'ok']);
  expect(account.server.cloud.living().filter((each) => each.startsWith('instance'))).toHaveLength(1);
  await moved.remove();
}, 60_000);

test('what other keys see is not what a machine with keys of its own has', async () => {
  await account.readyMachine('ours');
  const given = ['--amazonec2-access-key', 'AKIAGIVEN00000', '--amazonec2-secret-key', 's'];
  await account.readyMachine('theirs', given);
  account.server.calls.length = 0;
  expect(await account.user.run(['gc', '-y'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Nothing is left over'),
  });
  const askers = account.server.calls.filter(({ action }) => action === 'DescribeKeyPairs');
  expect(askers.map(({ accessKey }) => accessKey).sort()).toEqual(['AKIAGIVEN00000', 'AKIATESTBED0000']);
}, 60_000);

test('an account that knows nothing of an instance has lost it only when it knows where it was', async () => {
  await account.readyMachine('h1');
  account.server.cloud.forget(instanceOf('h1'));
  account.server.cloud.behaviour.refuse = {
    DescribeVpcs: { code: 'InvalidVpcID.NotFound', message: 'The vpc ID does not exist' },
  };
  const elsewhere = await account.user.run(['gc', '-y']);
  expect(elsewhere).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing is left over') });
  expect(await account.machines()).toEqual(['h1']);
  account.server.cloud.resetBehaviour();
  const there = await account.user.run(['gc', '--dry-run']);
  expect(there.stdout).toBe(`${asked()}\nrecord  amazonec2  "h1": its host is gone\n`);
});

test('a machine whose instance was terminated elsewhere is lost, whatever else of it is left', async () => {
  await account.readyMachine('h1');
  account.server.fleet.terminate(instanceOf('h1'));
  await account.server.fleet.settled();
  expect(account.server.cloud.living()).toHaveLength(2);
  const done = await account.user.run(['gc', '-y']);
  expect(done, done.stderr).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('record  amazonec2  "h1"'),
  });
  expect(account.server.cloud.living()).toEqual([]);
  expect(await account.machines()).toEqual([]);
});
