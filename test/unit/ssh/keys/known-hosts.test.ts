import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { generateKeyPair } from '../../../../src/ssh/keys/ed25519.ts';
import { pinFirstKey, pinnedKeys } from '../../../../src/ssh/keys/known-hosts.ts';
import { blobOfLine, fingerprint } from '../../../../src/ssh/keys/public-key.ts';

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
const blobOf = (line: string) => blobOfLine(line) ?? Buffer.alloc(0);
const keys = [publicKey(), publicKey(), publicKey()] as const;

describe('the keys of a name', () => {
  test.each([
    ['its own', 'host1', true],
    ["another's", 'host2', false],
    ["a longer name's", 'host1.local', false],
    ['its own in other letters, as ssh writes them', 'HOST1', true],
  ])('are %s', async (_what, asked, matches) => {
    const path = file(`# comment\n\nhost1\t${keys[0]}  a comment  \nhost1.example.org ${keys[1]}\n`);
    const found = matches ? [{ name: 'host1', type: 'ssh-ed25519', blob: blobOf(keys[0]) }] : [];
    expect(await pinnedKeys(path, asked)).toEqual(found);
  });

  test.each([
    ['a revoked key', `@revoked host1 ${keys[0]}`],
    ['an authority', `@cert-authority host1 ${keys[0]}`],
    ['several names', `host1,10.0.0.1 ${keys[0]}`],
    ['a pattern', `* ${keys[0]}`],
    ['a hashed name', `|1|c2FsdA==|aGFzaA== ${keys[0]}`],
    ['a key of another type than it says', `host1 ssh-rsa ${keys[0].split(' ')[1]}`],
    ['no key', 'host1 ssh-ed25519 %%%'],
    ['nonsense', 'nonsense'],
  ])('are not read past a line that nobody writes there: %s', async (_what, line) => {
    await expect(pinnedKeys(file(`host1 ${keys[0]}\n${line}\n`), 'host1')).rejects.toMatchObject({
      code: 'MM_SSH_KNOWN_HOSTS',
      message: expect.stringContaining('Line 2 of '),
    });
  });

  test('have the fingerprint that ssh-keygen prints', () => {
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

  test('adds to a file that other lines are in', async () => {
    const path = file(`# mine\nother ${keys[1]}\n`);
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
    const [first] = await pinnedKeys(path, 'host1');
    expect([...pins]).toEqual([fingerprint(first?.blob ?? Buffer.alloc(0))]);
  });

  test('says which file it cannot use', async () => {
    await expect(pinnedKeys(dir, 'host1')).rejects.toMatchObject({
      code: 'MM_SSH_KNOWN_HOSTS',
      message: expect.stringContaining(dir),
    });
  });
});
