import { expect, test } from 'vitest';
import type { Instance } from '../../testbed/ec2/instances.ts';
import { useCloudAccount } from './cloud-account.ts';

const account = useCloudAccount();

const REFUSED: readonly {
  what: string;
  id: string;
  code: number;
  args?: readonly string[];
  env?: Record<string, string>;
  refuse?: Record<string, { code: string; message: string; status?: number; butNotDryRuns?: boolean }>;
}[] = [
  {
    what: 'no permission',
    id: 'MM_EC2_PERMISSION',
    code: 3,
    refuse: {
      RunInstances: {
        code: 'UnauthorizedOperation',
        message: 'You are not authorized to perform this operation.',
        status: 403,
      },
    },
  },
  {
    what: 'no permission for the group',
    id: 'MM_EC2_PERMISSION',
    code: 3,
    refuse: { CreateSecurityGroup: { code: 'UnauthorizedOperation', message: 'no', status: 403 } },
  },
  {
    what: 'a quota',
    id: 'MM_EC2_QUOTA',
    code: 1,
    refuse: {
      RunInstances: {
        code: 'VcpuLimitExceeded',
        message: 'You have requested more vCPU capacity than your current limit.',
        butNotDryRuns: true,
      },
    },
  },
  {
    what: 'an image that is not there',
    id: 'MM_EC2_IMAGE',
    code: 3,
    args: ['--amazonec2-ami', 'ami-00000000000000000'],
  },
  {
    what: 'an image of another processor',
    id: 'MM_EC2_IMAGE',
    code: 3,
    args: ['--amazonec2-ami', 'ami-0a00000000000a004'],
  },
  {
    what: 'an unknown type',
    id: 'MM_EC2_INSTANCE_TYPE',
    code: 3,
    args: ['--amazonec2-instance-type', 'z9.huge'],
  },
  { what: 'an unknown region', id: 'MM_EC2_REGION', code: 3, args: ['--amazonec2-region', 'nowhere-1'] },
  {
    what: 'a region not opted in to',
    id: 'MM_EC2_REGION',
    code: 3,
    args: ['--amazonec2-region', 'ap-east-1'],
  },
  {
    what: 'an unknown subnet',
    id: 'MM_EC2_NETWORK',
    code: 3,
    args: ['--amazonec2-subnet-id', 'subnet-00000000'],
  },
  { what: 'a zone without subnets', id: 'MM_EC2_NETWORK', code: 3, args: ['--amazonec2-zone', 'q'] },
  {
    what: 'keys that AWS does not know',
    id: 'MM_EC2_CREDENTIALS',
    code: 3,
    env: { AWS_ACCESS_KEY_ID: 'NOBODY' },
  },
  {
    what: 'no keys at all',
    id: 'MM_EC2_CREDENTIALS',
    code: 3,
    env: { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' },
  },
  {
    what: 'half a key pair',
    id: 'MM_EC2_CREDENTIALS',
    code: 3,
    args: ['--amazonec2-access-key', 'AKIAGIVEN00000'],
  },
  {
    what: 'the other half',
    id: 'MM_EC2_CREDENTIALS',
    code: 3,
    args: ['--amazonec2-secret-key', 'secret-of-the-test'],
  },
  {
    what: 'an expired token',
    id: 'MM_EC2_EXPIRED',
    code: 3,
    env: { AWS_SESSION_TOKEN: 'old' },
    refuse: { '*': { code: 'RequestExpired', message: 'Request has expired.' } },
  },
  {
    what: 'a clock that is wrong',
    id: 'MM_EC2_CLOCK',
    code: 3,
    refuse: { '*': { code: 'RequestExpired', message: 'Request has expired.' } },
  },
  {
    what: 'a quota of calls',
    id: 'MM_EC2_THROTTLED',
    code: 3,
    refuse: { '*': { code: 'RequestLimitExceeded', message: 'Request limit exceeded.', status: 503 } },
  },
  {
    what: 'a key pair that is not there',
    id: 'MM_EC2_KEY_PAIR',
    code: 3,
    args: ['--amazonec2-keypair-name', 'mine', '--amazonec2-ssh-keypath', '/nowhere'],
  },
  {
    what: 'a code that nobody knows',
    id: 'MM_EC2_REFUSED',
    code: 3,
    refuse: { DescribeSubnets: { code: 'Mystery', message: 'Of a kind' } },
  },
];

test.each(REFUSED)(
  '$what is one line with an id and a hint, and nothing is made',
  async ({ id, code, args = [], env = {}, refuse = {} }) => {
    Object.assign(account.server.cloud.behaviour, { refuse });
    const outcome = await account.create([...args, 'h1'], { env });
    expect(outcome.stderr).toContain(`Error id: ${id}`);
    expect(outcome.stderr).toMatch(/^Hint: ./m);
    const [action = '*'] = Object.keys(refuse);
    if (action !== '*') expect(outcome.stderr).toContain(` of ${action}: `);
    expect(outcome.code).toBe(code);
    expect(account.server.cloud.living()).toEqual([]);
    expect(await account.machines()).toEqual([]);
  },
);

test('no room in any zone ends with its id, and what had been made is gone again', async () => {
  Object.assign(account.server.cloud.behaviour, { fullZones: ['us-east-1a', 'us-east-1b', 'us-east-1c'] });
  const outcome = await account.create(['h1']);
  expect(outcome).toMatchObject({ code: 1, stderr: expect.stringContaining('Error id: MM_EC2_CAPACITY') });
  expect(account.server.cloud.ledger.length).toBeGreaterThan(0);
  expect(account.server.cloud.living()).toEqual([]);
  expect(await account.machines()).toEqual([]);
});

test.each(['CreateSecurityGroup', 'ImportKeyPair', 'RunInstances'])(
  'no permission to tag what %s makes is said before anything is made',
  async (action) => {
    account.server.cloud.behaviour.refuseTagsOf = [action];
    const outcome = await account.create(['h1']);
    expect(outcome).toMatchObject({ code: 3, stderr: expect.stringContaining('MM_EC2_PERMISSION') });
    expect(account.server.cloud.living()).toEqual([]);
  },
);

const withoutType = (zone: string) => ({
  code: 'Unsupported',
  message: `Your requested instance type (t2.micro) is not supported in your requested Availability Zone (${zone}).`,
});

test('zones without the type, or without an address left, are passed over, in a rehearsal as well', async () => {
  const noAddress = { code: 'InsufficientFreeAddressesInSubnet', message: 'Not enough free addresses' };
  const { cloud } = account.server;
  cloud.behaviour.refuseIn = { 'us-east-1a': withoutType('us-east-1a'), 'us-east-1b': noAddress };
  const rehearsed = await account.create(['--dry-run', 'h1']);
  expect(rehearsed, rehearsed.stderr).toMatchObject({ code: 0 });
  expect(rehearsed.stdout).toMatch(/zone +us-east-1c \(/);
  expect(rehearsed.stdout).not.toContain('us-east-1a');
  await account.interruptedCreate(['h1']);
  const made = cloud.every<Instance>('instance').filter(({ gone }) => !gone);
  expect(made.map(({ zone }) => zone)).toEqual(['us-east-1c']);
  await account.user.run(['rm', '-y', 'h1']);
});

test('a type that no zone has is said before anything is made', async () => {
  const { cloud } = account.server;
  cloud.behaviour.refuseIn = Object.fromEntries(
    ['us-east-1a', 'us-east-1b', 'us-east-1c'].map((zone) => [zone, withoutType(zone)]),
  );
  const outcome = await account.create(['h1']);
  expect(outcome).toMatchObject({ code: 3, stderr: expect.stringContaining('MM_EC2_INSTANCE_TYPE') });
  expect(cloud.living()).toEqual([]);
});

test('credentials that expire in the middle keep the machine, and the create goes on with new ones', async () => {
  const { cloud } = account.server;
  Object.assign(cloud.behaviour, {
    refuse: { RunInstances: { code: 'ExpiredToken', message: 'The token is too old', butNotDryRuns: true } },
  });
  const outcome = await account.create(['h1']);
  expect(outcome).toMatchObject({ code: 1, stderr: expect.stringContaining('Error id: MM_EC2_EXPIRED') });
  expect(outcome.stderr).toContain('create --resume h1');
  const left = cloud.living();
  expect(left).toHaveLength(2);
  cloud.resetBehaviour();
  const resumed = await account.interrupted(['create', '--resume', 'h1']);
  expect(resumed.code).toBe(130);
  expect(cloud.living()).toEqual(expect.arrayContaining(left));
  expect(cloud.living()).toHaveLength(5);
  await account.user.run(['rm', '-y', 'h1']);
  expect(cloud.living()).toEqual([]);
});

test('a removal that fails after a failed create is what is to be finished, and it says so', async () => {
  const { cloud } = account.server;
  const expired = { code: 'ExpiredToken', message: 'The token is too old' };
  Object.assign(cloud.behaviour, {
    refuse: { RunInstances: { ...expired, butNotDryRuns: true }, DeleteKeyPair: expired },
  });
  const outcome = await account.create(['--rollback', 'h1']);
  expect(outcome.stderr).not.toContain('--resume');
  expect(outcome.stderr).toMatch(/Hint: .*"mymachine rm h1"/);
  cloud.resetBehaviour();
  // What is too new to be seen would be waited for.
  await account.age('h1');
  expect(await account.user.run(['rm', '-y', 'h1'])).toMatchObject({ code: 0 });
  expect(cloud.living()).toEqual([]);
});

const answer = (status: number, page: string) => ({
  code: 'Proxy',
  message: '',
  status,
  page,
  butNotDryRuns: true,
});

test.each([
  [
    'an error of its own',
    { code: 'InternalError', message: 'An internal error', status: 500, butNotDryRuns: true },
  ],
  ['a 500 without a word', answer(500, '')],
  ["a proxy's page of a 502", answer(502, '<html><body><h1>502 Bad Gateway</h1><hr>&nbsp;</body></html>')],
  ["a proxy's page of a 403", answer(403, '<html>Not from here</html>')],
  ["a captive portal's page", answer(200, '<html><body>Log in here</body></html>')],
  ["a captive portal's JSON", answer(200, '{"login": "https://portal.example"}')],
  ["a captive portal's words", answer(200, 'Log in first')],
  ["a gateway's words of a 503", answer(503, 'upstream connect error or disconnect/reset before headers')],
  ["a proxy's JSON of a 407", answer(407, '{"error": "Proxy Authentication Required"}')],
])('%s instead of an answer keeps the machine, and the create goes on', async (what, instead) => {
  const { cloud, url } = account.server;
  Object.assign(cloud.behaviour, { refuse: { CreateSecurityGroup: instead } });
  const outcome = await account.create(['h1']);
  expect(outcome).toMatchObject({ code: 1, stderr: expect.stringContaining('Error id: MM_EC2_FAILED') });
  expect(outcome.stderr).toContain('create --resume h1');
  if (what !== 'an error of its own') expect(outcome.stderr).toContain(`What answers at ${url} is not EC2`);
  expect(outcome.stderr).not.toMatch(/Unknown|XML/);
  const left = cloud.living();
  expect(left).toHaveLength(1);
  cloud.resetBehaviour();
  expect(await account.interrupted(['create', '--resume', 'h1'])).toMatchObject({ code: 130 });
  expect(cloud.living()).toEqual(expect.arrayContaining(left));
  expect(cloud.living()).toHaveLength(5);
  await account.age('h1');
  await account.user.run(['rm', '-y', 'h1']);
});

test.each([
  '<html><body>Log in here</body></html>',
  '{"login": "https://portal.example"}',
  'Log in first',
  '<?xml version="1.0"?>\n<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>',
])('rm does not take the page %s for the answer that nothing is there', async (page) => {
  const { cloud } = account.server;
  await account.interruptedCreate(['h1']);
  const left = cloud.living();
  Object.assign(cloud.behaviour, { refuse: { '*': answer(200, page) } });
  expect(await account.user.run(['rm', '-y', 'h1'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is not EC2'),
  });
  cloud.resetBehaviour();
  expect(cloud.living()).toEqual(left);
  await account.age('h1');
  expect(await account.user.run(['rm', '-y', 'h1'])).toMatchObject({ code: 0 });
  expect(cloud.living()).toEqual([]);
});

test('an endpoint of the environment goes on record, so that it holds without the environment', async () => {
  const env = { AWS_ENDPOINT_URL_EC2: account.server.url };
  const made = await account.interrupted(['create', '--driver', 'amazonec2', 'h1'], { env });
  expect(made.code, made.stderr).toBe(130);
  await account.age('h1');
  expect(await account.user.run(['rm', '-y', 'h1'])).toMatchObject({ code: 0 });
  expect(account.server.cloud.living()).toEqual([]);
});
