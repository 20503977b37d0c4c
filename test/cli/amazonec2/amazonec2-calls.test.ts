import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { expect, test } from 'vitest';
import { useCloudAccount } from './cloud-account.ts';

const account = useCloudAccount();

/** How often each call was made, in the order of their first coming. DryRuns count apart. */
function counts(): Record<string, number> {
  const found: Record<string, number> = {};
  for (const { action, dryRun } of account.server.calls) {
    const name = dryRun ? `${action} (DryRun)` : action;
    found[name] = (found[name] ?? 0) + 1;
  }
  return found;
}

/** A PATH whose ssh ends at once with a status of its own. */
async function pathWithSsh(status: number): Promise<string> {
  const bin = join(account.user.home, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'ssh'), `#!/bin/sh\nexit ${status}\n`);
  await chmod(join(bin, 'ssh'), 0o755);
  return `${bin}${delimiter}${process.env['PATH'] ?? ''}`;
}

test('a command on one machine asks EC2 once', async () => {
  account.server.cloud.hostlessAddress = '127.0.0.1';
  await account.readyMachine('h1');
  const env = { PATH: await pathWithSsh(7) };
  const asked = async (...args: string[]) => {
    account.server.calls.length = 0;
    const { code, stderr } = await account.user.run(args, { env });
    return { command: args.join(' '), code, stderr, calls: counts() };
  };
  const once = { calls: { DescribeInstances: 1 } };
  expect(await asked('status', 'h1')).toMatchObject({ code: 0, ...once });
  expect(await asked('ip', 'h1')).toMatchObject({ code: 0, ...once });
  expect(await asked('url', 'h1')).toMatchObject({ code: 0, ...once });
  expect(await asked('ssh', 'h1', 'true')).toMatchObject({ code: 7, ...once });
  expect(await asked('env', '--fast', '--no-proxy', 'h1')).toMatchObject({ code: 0, ...once });
  // No engine answers here: the tests with real hosts count these to their end.
  expect(await asked('env', 'h1')).toMatchObject({ code: 1, ...once });
  expect(await asked('config', 'h1')).toMatchObject({ code: 1, ...once });
}, 300_000);

test('a create plans twice, before anything is made and when it is, and makes each thing once', async () => {
  const { stderr } = await account.interruptedCreate(['h1'], { env: { MACHINE_DEBUG: 'true' } });
  // How often the instance is looked at depends on how long it takes to run.
  const { DescribeInstances: _, ...calls } = counts();
  expect(calls).toEqual({
    DescribeRegions: 2,
    DescribeInstanceTypes: 2,
    DescribeImages: 2,
    DescribeVpcs: 2,
    DescribeSubnets: 2,
    'CreateSecurityGroup (DryRun)': 1,
    'ImportKeyPair (DryRun)': 1,
    'RunInstances (DryRun)': 1,
    ImportKeyPair: 1,
    CreateSecurityGroup: 1,
    AuthorizeSecurityGroupIngress: 2,
    RunInstances: 1,
  });
  // This computer's address is asked for in the check and when the group is opened.
  expect(stderr.match(/opening to/g)).toHaveLength(2);
}, 300_000);

test('--dry-run asks for this computer’s address once', async () => {
  const { code, stderr } = await account.create(['--dry-run', 'h1'], { env: { MACHINE_DEBUG: 'true' } });
  expect(code).toBe(0);
  expect(stderr.match(/opening to/g)).toHaveLength(1);
});
