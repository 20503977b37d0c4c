import { expect, test } from 'vitest';
import { useCloudAccount } from './cloud-account.ts';

const account = useCloudAccount();

/** What the record of q1 says of a template's fields. */
const recorded = async (template: string) =>
  (await account.user.run(['inspect', '-f', template, 'q1'])).stdout.trim();

test('quickstart takes the environment before the preferences, and those of the engine as well', async () => {
  for (const preference of [
    ['amazonec2-instance-type', 't3.micro'],
    ['amazonec2-root-size', '20'],
    ['engine-storage-driver', 'btrfs'],
    ['engine-label', 'a=1', 'b=2'],
  ])
    expect((await account.user.run(['prefs', 'set', ...preference])).code).toBe(0);
  const outcome = await account.interrupted(['quickstart', '--driver', 'amazonec2', 'q1'], {
    env: { AWS_ENDPOINT: account.server.url, AWS_INSTANCE_TYPE: 'm5.large' },
  });
  expect(outcome, outcome.stderr).toMatchObject({ code: 130 });
  expect(await recorded('{{.Driver.InstanceType}} {{.Driver.RootSize}}')).toBe('m5.large 20');
  expect(await recorded('{{.HostOptions.EngineOptions.StorageDriver}}')).toBe('btrfs');
  expect(await recorded('{{.HostOptions.EngineOptions.Labels}}')).toBe('[a=1 b=2]');
  await account.user.run(['rm', '-y', 'q1']);
});

test('quickstart makes the machine with the driver that is preferred', async () => {
  await account.user.run(['prefs', 'set', 'driver', 'amazonec2']);
  const outcome = await account.interrupted(['quickstart', 'q1'], {
    env: { AWS_ENDPOINT: account.server.url },
  });
  expect(outcome, outcome.stderr).toMatchObject({ code: 130 });
  expect(await recorded('{{.DriverName}}')).toBe('amazonec2');
  await account.user.run(['rm', '-y', 'q1']);
});
