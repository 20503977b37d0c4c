import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { generateKeyPair } from '../../../../src/ssh/keys/ed25519.ts';
import {
  forgetHost,
  pinFirstKey,
  pinKnownKeys,
  pinnedKeys,
  readKnownHosts,
} from '../../../../src/ssh/keys/host-keys.ts';
import { fingerprint } from '../../../../src/ssh/keys/key-blob.ts';
import {
  formatKnownHosts,
  knownHostName,
  lookup,
  parseKnownHosts,
} from '../../../../src/ssh/keys/known-hosts.ts';

const dir = mkdtempSync(join(tmpdir(), 'mm-known-hosts-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

let files = 0;
const file = (text?: string): string => {
  files += 1;
  const path = join(dir, `known_hosts_${files}`);
  if (text !== undefined) writeFileSync(path, text);
  return path;
};
const publicKey = () => generateKeyPair('').publicKey;
const blobOf = (line: string) => Buffer.from(line.split(' ')[1] ?? '', 'base64');
const keys = [publicKey(), publicKey(), publicKey()] as const;
const found = (text: string, name: string) =>
  lookup(parseKnownHosts(text), name).trusted.map(({ blob }) => blob.toString('base64'));
const base64 = (line: string) => line.split(' ')[1];

describe('a known_hosts file', () => {
  test.each([
    ['a name', 'host1', 'host1', true],
    ['another name', 'host1', 'host2', false],
    ['one of several names', 'host1,10.0.0.1,host9', '10.0.0.1', true],
    ['a name in other letters', 'Host1', 'hOST1', true],
    ['a name with a port', '[host1]:2222', knownHostName('host1', 2222), true],
    ['a name with a port, asked without', '[host1]:2222', knownHostName('host1', 22), false],
    ['a wildcard', '*.example.org', 'a.b.example.org', true],
    ['a question mark', 'host?', 'host12', false],
    ['a negated name', '*.example.org,!bad.example.org', 'bad.example.org', false],
    ['a dot, which is no wildcard', 'a.b', 'axb', false],
  ])('is matched by %s', (_what, names, asked, matches) => {
    expect(found(`${names} ${keys[0]} a comment\n`, asked)).toEqual(matches ? [base64(keys[0])] : []);
  });

  test('is matched by names that ssh-keygen has hashed', () => {
    const path = file(`host1,[10.0.0.1]:2222 ${keys[0]}\nother ${keys[1]}\n`);
    execFileSync('ssh-keygen', ['-q', '-H', '-f', path], { stdio: 'ignore' });
    const text = readFileSync(path, 'utf8');
    expect(text).toContain('|1|');
    expect(found(text, 'host1')).toEqual([base64(keys[0])]);
    expect(found(text, '[10.0.0.1]:2222')).toEqual([base64(keys[0])]);
    expect(found(text, 'host2')).toEqual([]);
  });

  test('keeps revoked keys and authorities apart from trusted ones', () => {
    const lines = parseKnownHosts(
      `@revoked host1 ${keys[0]}\n@cert-authority host1 ${keys[1]}\nhost1 ${keys[2]}\n`,
    );
    const { trusted, revoked } = lookup(lines, 'host1');
    expect(trusted.map(({ blob }) => blob)).toEqual([blobOf(keys[2])]);
    expect(revoked.map(({ blob }) => blob)).toEqual([blobOf(keys[0])]);
  });

  test('stays as it is, line by line, when it is written again', () => {
    const text = `# comment\n\n  host1\t${keys[0]}  spaced  \nnonsense\nhost1 ssh-ed25519 %%%\nhost1 ssh-rsa ${base64(keys[0])}\n`;
    expect(formatKnownHosts(parseKnownHosts(text))).toBe(text);
    expect(found(text, 'host1')).toEqual([base64(keys[0])]);
  });

  test('gives the fingerprint that ssh-keygen prints', () => {
    const path = file(`${keys[0]}\n`);
    expect(execFileSync('ssh-keygen', ['-l', '-f', path]).toString()).toContain(
      ` ${fingerprint(blobOf(keys[0]))} `,
    );
  });
});

describe('pinning', () => {
  test('writes the first key for us alone, in a form that ssh-keygen reads', async () => {
    const path = join(dir, 'new-folder', 'known_hosts');
    await pinFirstKey(path, 'host1', blobOf(keys[0]));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(execFileSync('ssh-keygen', ['-F', 'host1', '-f', path]).toString()).toContain(keys[0]);
    expect(readdirSync(join(dir, 'new-folder'))).toEqual(['known_hosts']);
  });

  test('adds to a file that other lines are in, also one without a last newline', async () => {
    const path = file(`# mine\nother ${keys[1]}`);
    chmodSync(path, 0o644);
    await pinFirstKey(path, 'host1', blobOf(keys[0]));
    expect(readFileSync(path, 'utf8')).toBe(`# mine\nother ${keys[1]}\nhost1 ${keys[0]}\n`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('keeps what was pinned before and says so', async () => {
    const path = file(`host1 ${keys[0]}\n`);
    const holds = await pinFirstKey(path, 'host1', blobOf(keys[1]));
    expect(holds.map(({ blob }) => blob)).toEqual([blobOf(keys[0])]);
    expect(readFileSync(path, 'utf8')).toBe(`host1 ${keys[0]}\n`);
  });

  test.each([
    ['no file', undefined],
    ['a file with others', `other ${keys[2]}\n`],
  ])('by many at once ends with one key for all: %s', async (_what, text) => {
    const path = file(text);
    const answers = await Promise.all(
      Array.from({ length: 16 }, () => pinFirstKey(path, 'host1', blobOf(publicKey()))),
    );
    const pins = new Set(answers.map((holds) => holds.map(({ blob }) => fingerprint(blob)).join()));
    expect([...pins]).toEqual([(await pinnedKeys(path, 'host1'))[0]?.fingerprint]);
  });

  test('of known keys replaces those of the name and no other', async () => {
    const path = file(`# mine\nhost1 ${keys[0]}\nother ${keys[1]}\n`);
    await pinKnownKeys(path, 'host1', [`${keys[2]} root@host1`]);
    expect(readFileSync(path, 'utf8')).toBe(`# mine\nother ${keys[1]}\nhost1 ${keys[2]} root@host1\n`);
    await expect(pinKnownKeys(path, 'host1', ['nonsense'])).rejects.toMatchObject({
      code: 'MM_SSH_KNOWN_HOSTS',
    });
  });

  test('is undone by forgetting, which keeps comments, others and revoked keys', async () => {
    const path = file(`# mine\nhost1 ${keys[0]}\n@revoked host1 ${keys[1]}\nother ${keys[1]}\n`);
    expect(await forgetHost(path, 'host1')).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe(`# mine\n@revoked host1 ${keys[1]}\nother ${keys[1]}\n`);
    expect(await forgetHost(path, 'host1')).toBe(false);
    expect(await forgetHost(join(dir, 'none'), 'host1')).toBe(false);
  });

  test('says which file it cannot use', async () => {
    await expect(readKnownHosts(dir)).rejects.toMatchObject({
      code: 'MM_SSH_KNOWN_HOSTS',
      message: expect.stringContaining(dir),
    });
  });
});
