import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { KEYS, useCloudAccount } from './cloud-account.ts';

const account = useCloudAccount();

const WHOLE = `aws_access_key_id = ${KEYS.AWS_ACCESS_KEY_ID}\naws_secret_access_key = ${KEYS.AWS_SECRET_ACCESS_KEY}\n`;
const HALF = 'aws_access_key_id = AKIAHALF000000\n';
/** Of another account, which works. */
const ANOTHERS = { credentials: `[default]\n${WHOLE}` };

const none = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' };

const HALVES: readonly {
  readonly what: string;
  readonly says: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
}[] = [
  {
    what: 'an access key of the environment',
    says: 'AWS_ACCESS_KEY_ID without AWS_SECRET_ACCESS_KEY',
    env: { AWS_SECRET_ACCESS_KEY: '' },
  },
  {
    what: 'a secret key of the environment',
    says: 'AWS_SECRET_ACCESS_KEY without AWS_ACCESS_KEY_ID',
    env: { AWS_ACCESS_KEY_ID: '' },
  },
  {
    what: 'a session token of the environment',
    says: 'AWS_SESSION_TOKEN without AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    env: { ...none, AWS_SESSION_TOKEN: 'a-token' },
  },
  {
    what: 'an access key of the environment and its session token',
    says: 'AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN without AWS_SECRET_ACCESS_KEY',
    env: { AWS_SECRET_ACCESS_KEY: '', AWS_SESSION_TOKEN: 'a-token' },
  },
  {
    what: 'an access key by option and a secret key of the environment',
    says: '--amazonec2-access-key without --amazonec2-secret-key',
    args: ['--amazonec2-access-key', 'AKIAGIVEN00000'],
    env: { AWS_ACCESS_KEY_ID: '' },
  },
  {
    what: 'a session token by option and a pair of the environment',
    says: '--amazonec2-session-token without --amazonec2-access-key and --amazonec2-secret-key',
    args: ['--amazonec2-session-token', 'a-token'],
  },
  {
    what: 'half of a pair in the default profile',
    says: 'aws_access_key_id without aws_secret_access_key in the profile "default"',
    env: none,
    files: { credentials: `[default]\n${HALF}` },
  },
  {
    what: 'half of a pair in the profile that an option names',
    says: 'aws_access_key_id without aws_secret_access_key in the profile "work"',
    args: ['--amazonec2-profile', 'work'],
    files: { credentials: `[default]\n${WHOLE}[work]\n${HALF}` },
  },
  {
    what: 'half of a pair in the profile that the environment names',
    says: 'aws_secret_access_key without aws_access_key_id in the profile "work"',
    env: { AWS_PROFILE: 'work' },
    files: { config: '[profile work]\nregion = us-east-1\naws_secret_access_key = half ; a note\n' },
  },
  {
    what: 'half of a pair in the profile behind a role',
    says: 'aws_access_key_id without aws_secret_access_key in the profile "base"',
    args: ['--amazonec2-profile', 'work'],
    files: {
      config: '[profile "work"]\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = base\n',
      credentials: `[base]\n${HALF}`,
    },
  },
  {
    what: 'half of a pair in the environment, which a profile takes its keys from',
    says: 'AWS_ACCESS_KEY_ID without AWS_SECRET_ACCESS_KEY',
    args: ['--amazonec2-profile', 'work'],
    env: { AWS_SECRET_ACCESS_KEY: '' },
    files: {
      config:
        '[profile work]\nrole_arn = arn:aws:iam::123456789012:role/x\ncredential_source = Environment\n',
    },
  },
  {
    what: 'a profile that is not there',
    says: 'There is no profile "nope"',
    args: ['--amazonec2-profile', 'nope'],
    files: ANOTHERS,
  },
];

async function writeAws(files: Readonly<Record<string, string>>): Promise<void> {
  const folder = join(account.user.home, '.aws');
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
}

test.each(HALVES)('$what is refused before EC2 is asked', async ({ says, args = [], env = {}, files }) => {
  await writeAws(files ?? ANOTHERS);
  const outcome = await account.create([...args, 'h1'], { env });
  // docker-machine's frame for such errors is a text in quotes.
  expect(outcome.stderr.replaceAll('\\"', '"')).toContain(says);
  expect(outcome.code).toBe(3);
  expect(outcome.stderr).toContain('Error id: MM_EC2_CREDENTIALS');
  expect(outcome.stderr).toMatch(/^Hint: ./m);
  expect(outcome.stderr).not.toMatch(/AKIAGIVEN|AKIAHALF|marker-of|a-token/);
  expect(account.server.calls).toEqual([]);
  expect(await account.machines()).toEqual([]);
});

const SOUND: readonly {
  readonly what: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, string>>;
}[] = [
  { what: 'the default profile', env: none, files: ANOTHERS },
  {
    what: 'a pair that lies in both files',
    env: none,
    files: {
      config: `[default]\naws_access_key_id=${KEYS.AWS_ACCESS_KEY_ID}\n`,
      credentials: `[default]\naws_secret_access_key=${KEYS.AWS_SECRET_ACCESS_KEY}\n`,
    },
  },
  {
    what: 'a named profile beside half of a pair in the environment, which is not asked then',
    args: ['--amazonec2-profile', 'work'],
    env: { AWS_SECRET_ACCESS_KEY: '' },
    files: { credentials: `[work]\n${WHOLE}` },
  },
  {
    what: 'a pair of the environment beside half of one in the default profile',
    files: { credentials: `[default]\n${HALF}` },
  },
  {
    what: 'a pair by option beside half of one in the environment',
    args: [
      '--amazonec2-access-key',
      KEYS.AWS_ACCESS_KEY_ID,
      '--amazonec2-secret-key',
      KEYS.AWS_SECRET_ACCESS_KEY,
    ],
    env: { AWS_SECRET_ACCESS_KEY: '' },
    files: {},
  },
  {
    what: 'keys in files elsewhere',
    env: { ...none, AWS_SHARED_CREDENTIALS_FILE: '.aws/elsewhere', AWS_PROFILE: 'work' },
    files: { elsewhere: `[work]\n${WHOLE}` },
  },
];

test.each(SOUND)('$what is taken', async ({ args = [], env = {}, files }) => {
  await writeAws(files);
  const outcome = await account.create([...args, '--dry-run', 'h1'], { env });
  expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
});

test('rm with half a pair in the environment removes nothing by the keys of the default profile', async () => {
  await account.readyMachine('h1');
  await writeAws(ANOTHERS);
  account.server.calls.length = 0;
  const outcome = await account.user.run(['rm', '-y', 'h1'], { env: { AWS_SECRET_ACCESS_KEY: '' } });
  expect(outcome).toMatchObject({ code: 1, stderr: expect.stringContaining('MM_EC2_CREDENTIALS') });
  expect(account.server.calls).toEqual([]);
  expect(await account.machines()).toEqual(['h1']);
  expect(await account.user.run(['rm', '-y', 'h1'])).toMatchObject({ code: 0 });
});
