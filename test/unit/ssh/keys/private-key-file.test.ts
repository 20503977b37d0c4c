import { execFileSync } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { generateKeyPair } from '../../../../src/ssh/keys/ed25519.ts';
import { publicKeyOf } from '../../../../src/ssh/keys/identities.ts';
import { fingerprintOfLine } from '../../../../src/ssh/keys/public-key.ts';

const dir = mkdtempSync(join(tmpdir(), 'mm-keys-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const keygen = (...args: string[]) =>
  execFileSync('ssh-keygen', args, { stdio: ['ignore', 'pipe', 'ignore'] })
    .toString()
    .trim();

describe('a key pair', () => {
  test('is one that ssh-keygen reads, whatever bytes it has', () => {
    for (let round = 0; round < 12; round += 1) {
      const comment = 'c'.repeat(round);
      const { privateKey, publicKey } = generateKeyPair(comment);
      const path = join(dir, `made-${round}`);
      writeFileSync(path, privateKey, { mode: 0o600 });
      expect(keygen('-y', '-f', path)).toBe(publicKey);
    }
  });

  test('is made without the export of a key object, in which Node 20 may hang', () => {
    const { privateKey } = generateKeyPairSync('ed25519', {
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    const exported = vi.spyOn(Object.getPrototypeOf(createPrivateKey(privateKey)), 'export');
    generateKeyPair('');
    expect(exported).not.toHaveBeenCalled();
    exported.mockRestore();
  });

  test('has the fingerprint that ssh-keygen prints', () => {
    const { publicKey } = generateKeyPair('me@here');
    const path = join(dir, 'fingerprint.pub');
    writeFileSync(path, `${publicKey}\n`);
    expect(keygen('-l', '-f', path)).toContain(` ${fingerprintOfLine(publicKey)} me@here`);
    expect(fingerprintOfLine('no key')).toBeUndefined();
    expect(fingerprintOfLine(`ssh-rsa ${publicKey.split(' ')[1]}`)).toBeUndefined();
  });
});

describe('the public half of a private key file', () => {
  test.each([
    ['openssh ed25519', ['-t', 'ed25519']],
    ['openssh rsa', ['-t', 'rsa', '-b', '2048']],
    ['pem rsa', ['-t', 'rsa', '-b', '2048', '-m', 'PEM']],
    ['pkcs8 rsa', ['-t', 'rsa', '-b', '2048', '-m', 'PKCS8']],
    ['pem ecdsa', ['-t', 'ecdsa', '-m', 'PEM']],
    ['pkcs8 ecdsa', ['-t', 'ecdsa', '-b', '384', '-m', 'PKCS8']],
  ])('is what ssh-keygen says: %s', async (name, args) => {
    const path = join(dir, name);
    keygen('-q', ...args, '-N', '', '-C', '', '-f', path);
    expect(await publicKeyOf(path)).toBe(keygen('-y', '-f', path));
    expect(await publicKeyOf(path, 'host1')).toBe(`${keygen('-y', '-f', path)} host1`);
  });

  test('is not told of an encrypted key, a missing one, or none', async () => {
    const path = join(dir, 'encrypted');
    keygen('-q', '-t', 'ed25519', '-N', 'secret', '-f', path);
    await expect(publicKeyOf(path)).rejects.toMatchObject({ code: 'MM_SSH_KEY_ENCRYPTED' });
    await expect(publicKeyOf(join(dir, 'none'))).rejects.toMatchObject({ code: 'MM_SSH_KEY_MISSING' });
    await expect(publicKeyOf(dir)).rejects.toMatchObject({ code: 'MM_SSH_KEY_MISSING' });
    await expect(publicKeyOf(`${path}.pub`)).rejects.toMatchObject({ code: 'MM_SSH_KEY_PERMISSIONS' });
  });
});
