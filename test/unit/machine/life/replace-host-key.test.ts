import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import switchHostKey from '../../../../src/machine/life/switch-host-key.sh';

const run = promisify(execFile);
const OLD = 'ssh_host_ed25519_key';
const NEW = `${OLD}.mymachine`;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mm-host-key-'));
});
afterEach(() => rm(folder, { recursive: true }));

test.each([
  ['from the start', { [OLD]: 'old', [`${OLD}.pub`]: 'old', [NEW]: 'new', [`${NEW}.pub`]: 'new' }],
  [
    'after it was cut off between the two halves',
    { [OLD]: 'new', [`${OLD}.pub`]: 'old', [`${NEW}.pub`]: 'new' },
  ],
])('the new key takes the place of the old one %s', async (_, files) => {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const script = `systemctl() { echo "$@"; }\n${switchHostKey.replaceAll('/etc/ssh', folder)}`;
  const { stdout } = await run('sh', ['-c', script]);
  expect(stdout).toBe('restart ssh\n');
  expect(await readdir(folder)).toEqual([OLD, `${OLD}.pub`]);
  for (const name of [OLD, `${OLD}.pub`]) expect(await readFile(join(folder, name), 'utf8')).toBe('new');
});
