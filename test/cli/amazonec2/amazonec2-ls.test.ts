import { expect, test } from 'vitest';
import { useCloudAccount } from './cloud-account.ts';

const account = useCloudAccount();

test('ls looks at all machines of an account in one call, and again only for one that is not there', async () => {
  for (const name of ['a', 'b', 'c']) await account.readyMachine(name);
  await account.rewrite('c', 'config.json', (config) => ({
    ...config,
    Driver: { ...config.Driver, InstanceId: 'i-0123456789abcdef0' },
  }));
  account.server.calls.length = 0;
  const format = ['--format', '{{.Name}} {{.State}} {{.URL}}'];
  const listed = await account.user.run([
    'ls',
    '--filter',
    'state=Running',
    '--filter',
    'state=Error',
    ...format,
  ]);
  expect(listed.stdout).toMatch(/^a Running tcp:\/\/\S+:2376\nb Running tcp:\/\/\S+:2376\nc Error \n$/);
  const [first = '', ...more] = account.server.calls.map(({ action }) => action);
  expect(first).toBe('DescribeInstances');
  expect(more).toEqual(['DescribeInstances']);

  account.server.calls.length = 0;
  const quiet = await account.user.run(['ls', '-q', '--filter', 'state=Running']);
  expect(quiet).toMatchObject({ code: 0, stdout: 'a\nb\n' });
  expect(account.server.calls).toHaveLength(2);
}, 120_000);

test('what EC2 refuses is said in the row of each machine, after one call', async () => {
  for (const name of ['a', 'b']) await account.readyMachine(name);
  account.server.calls.length = 0;
  const refuse = { DescribeInstances: { code: 'UnauthorizedOperation', message: 'no', status: 403 } };
  Object.assign(account.server.cloud.behaviour, { refuse });
  const { stdout } = await account.user.run(['ls', '--format', '{{.Name}} {{.State}} {{.Error}}']);
  expect(stdout).toMatch(/^a Error .*DescribeInstances.*\nb Error .*DescribeInstances.*\n$/);
  expect(account.server.calls).toHaveLength(1);
}, 120_000);
