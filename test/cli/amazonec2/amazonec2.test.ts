import { execFileSync } from 'node:child_process';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PROGRAM } from '../program.ts';
import { useCloudAccount } from './cloud-account.ts';

const account = useCloudAccount();

test('--dry-run shows what would be made, asks EC2 whether it may, and makes nothing', async () => {
  const made = account.server.cloud.ledger.length;
  const outcome = await account.create(['--dry-run', '--amazonec2-instance-type', 't4g.micro', 'h1']);
  expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
  expect(outcome.stdout).toMatch(/region +us-east-1\n/);
  expect(outcome.stdout).toMatch(/image +ami-0a00000000000a004 \(ubuntu.*arm64/);
  expect(outcome.stdout).toMatch(/root volume +16 GB gp3, encrypted, as \/dev\/sda1\n/);
  expect(outcome.stdout).toContain('127.0.0.1/32');
  expect(account.server.calls.filter(({ action }) => action === 'RunInstances')).toMatchObject([
    { dryRun: true, outcome: 'DryRunOperation' },
  ]);
  expect(account.server.cloud.ledger).toHaveLength(made);
  expect(await account.machines()).toEqual([]);
});

test('Ctrl-C stops at the next safe point and says how to go on; rm then leaves nothing', async () => {
  const outcome = await account.interruptedCreate(['h1']);
  expect(outcome).toMatchObject({ code: 130, stderr: expect.stringContaining('create --resume h1') });
  expect(account.server.cloud.living()).not.toEqual([]);
  const removed = await account.user.run(['rm', '-y', 'h1']);
  expect(removed, removed.stderr).toMatchObject({ code: 0 });
  expect(account.server.cloud.living()).toEqual([]);
});

test('a server that is not Amazon’s may have no list of regions, and images that tell no architecture', async () => {
  account.server.cloud.behaviour.refuse = {
    DescribeRegions: { code: 'InvalidAction', message: 'The action DescribeRegions is not valid.' },
  };
  const outcome = await account.create(['--dry-run', '--amazonec2-ami', 'ami-ubuntu24noble', 'h1']);
  expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
  expect(outcome.stdout).toMatch(/image +ami-ubuntu24noble/);
});

test('a rehearsal does not take the token that stands for the launch', async () => {
  await account.interruptedCreate(['h1']);
  const launches = account.server.calls.filter(({ action }) => action === 'RunInstances');
  const tokens = launches.map(({ body }) => new URLSearchParams(body).get('ClientToken'));
  expect(launches.map(({ dryRun }) => dryRun)).toEqual([true, false]);
  expect(tokens[0]).not.toBe(tokens[1]);
  expect(tokens[1]).toContain('subnet-');
  await account.user.run(['rm', '-y', 'h1']);
});

test('rm leaves no key pair where pairs go by their names', async () => {
  account.server.cloud.behaviour.keysByNameAlone = true;
  await account.interruptedCreate(['h1']);
  const removed = await account.user.run(['rm', '-y', 'h1']);
  expect(removed, removed.stderr).toMatchObject({ code: 0 });
  expect(account.server.cloud.living()).toEqual([]);
});

test('with --rollback an interrupted create removes what it made', async () => {
  const outcome = await account.interruptedCreate(['--rollback', 'h1']);
  expect(outcome).toMatchObject({ code: 130, stderr: expect.stringContaining('was removed again') });
  expect(account.server.cloud.living()).toEqual([]);
  expect(await account.machines()).toEqual([]);
});

/** Command lines of all processes now. */
const commandLines = () => execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' });

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

test('explicit keys are in a file for the user alone, and nowhere else; those of the environment are in none', async () => {
  let seen = '';
  const outcome = await account.interruptedCreate(
    ['--amazonec2-access-key', 'AKIAGIVEN00000', '--amazonec2-secret-key', 'marker-of-the-flag', 'h1'],
    {
      env: { MACHINE_DEBUG: 'true' },
      onStart: (child) => {
        const timer = setInterval(() => {
          // The user's own command line holds what he typed.
          seen += commandLines()
            .split('\n')
            .filter((line) => !line.includes(PROGRAM))
            .join('\n');
        }, 300);
        child.on('close', () => clearInterval(timer));
      },
    },
  );
  expect(account.server.calls.at(-1)?.accessKey).toBe('AKIAGIVEN00000');
  expect(outcome.stdout + outcome.stderr + seen).not.toMatch(/marker-of/);
  const inspected = await account.user.run(['inspect', 'h1']);
  expect(inspected.stdout).toContain('"InstanceId"');
  expect(inspected.stdout).not.toMatch(/marker-of|AKIAGIVEN/);
  const holding: string[] = [];
  for (const path of await filesBelow(account.user.store))
    if (/marker-of|AKIAGIVEN/.test(await readFile(path, 'utf8'))) holding.push(path);
  const own = join(account.user.store, 'machines', 'h1', 'secrets.json');
  expect(holding).toEqual([own]);
  expect((await stat(own)).mode & 0o777).toBe(0o600);
  for (const { body } of account.server.calls) expect(body).not.toMatch(/marker-of/);
  // They are found again without being given again.
  const removed = await account.user.run(['rm', '-y', 'h1'], {
    env: { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' },
  });
  expect(removed, removed.stderr).toMatchObject({ code: 0 });
  expect(account.server.cloud.living()).toEqual([]);
});

test('a machine that docker-machine made is seen, and removed with its key pair', async () => {
  await account.interruptedCreate(['old']);
  const path = join(account.user.store, 'machines', 'old', 'config.json');
  const record = JSON.parse(await readFile(path, 'utf8'));
  const { InstanceId, KeyName, VpcId, SSHKeyPath, SecurityGroupIds } = record.Driver;
  const base = [
    'IPAddress',
    'MachineName',
    'SSHUser',
    'SSHPort',
    'StorePath',
    'SwarmMaster',
    'SwarmHost',
    'SwarmDiscovery',
  ];
  record.Driver = {
    ...Object.fromEntries(base.map((key) => [key, record.Driver[key]])),
    ...{ InstanceId, KeyName, VpcId, SSHKeyPath, SecurityGroupIds },
    ...{
      AccessKey: 'AKIAOFTHERECORD',
      SecretKey: 's',
      SessionToken: '',
      Region: 'us-east-1',
      ExistingKey: false,
    },
    // As docker-machine kept it: a host without a scheme.
    ...{
      Endpoint: account.server.url.replace('http://', ''),
      DisableSSL: true,
      SecurityGroupNames: null,
      RetryCount: 5,
    },
  };
  await writeFile(path, JSON.stringify(record));
  await rm(join(account.user.store, 'machines', 'old', 'mymachine.json'));
  expect(await account.user.run(['status', 'old'])).toMatchObject({ stdout: 'Running\n', code: 0 });
  expect(account.server.calls.at(-1)?.accessKey).toBe('AKIAOFTHERECORD');
  const removed = await account.user.run(['rm', '-y', 'old']);
  expect(removed, removed.stderr).toMatchObject({ code: 0 });
  // Its group was everybody's, and stayed.
  expect(account.server.cloud.living()).toEqual([`security-group ${SecurityGroupIds[0]}`]);
  for (const group of account.server.cloud.every('security-group')) account.server.cloud.remove(group);
});

test('the SDK is loaded by what talks to EC2, and by nothing else', async () => {
  const chunks = join(PROGRAM, '../chunks');
  const names = await readdir(chunks).catch(() => []);
  const withSdk: string[] = [];
  for (const name of names)
    if ((await readFile(join(chunks, name), 'utf8')).includes('DescribeInstancesResult')) withSdk.push(name);
  if (names.length > 0) expect(withSdk.length).toBeGreaterThan(0);
  const hook = join(account.user.home, 'hook.mjs');
  const log = `export async function load(url, context, next) { process._rawDebug('loads ' + url); return next(url, context); }`;
  await writeFile(
    hook,
    `import { register } from 'node:module'; register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(log)}));`,
  );
  const loads = async (args: readonly string[]) => {
    const { stderr } = await account.user.exec([process.execPath, '--import', hook, PROGRAM, ...args]);
    return withSdk.filter((name) => stderr.includes(`/${name}`));
  };
  if (PROGRAM.endsWith('.js')) {
    await account.user.run(['create', '--driver', 'none', '--url', 'tcp://192.0.2.1:2376', 'plain']);
    for (const args of [
      ['version'],
      ['ls', '-t', '1'],
      ['create', '--help'],
      ['create', '--driver', 'amazonec2', '--help'],
    ])
      expect(await loads(args), args.join(' ')).toEqual([]);
    expect(
      await loads([
        'create',
        '--driver',
        'amazonec2',
        '--amazonec2-endpoint',
        account.server.url,
        '--dry-run',
        'x',
      ]),
    ).not.toEqual([]);
  }
});
