import { readFile, writeFile } from 'node:fs/promises';
import { writeAtomic } from '../../base/files.ts';
import { generateKeyPair } from '../../ssh/keys/ed25519.ts';

/** Makes an ed25519 key pair without a passphrase at `path` and `path`.pub. The private key comes last, whole. */
export async function makeKeyPair(path: string, comment: string): Promise<void> {
  const pair = generateKeyPair(comment);
  await writeFile(`${path}.pub`, `${pair.publicKey.trim()}\n`, { mode: 0o644 });
  await writeAtomic(path, pair.privateKey);
}

/** `ssh-ed25519 AAAA…`, without the comment. */
export async function publicKeyOf(path: string): Promise<string> {
  return (await readFile(`${path}.pub`, 'utf8')).trim().split(/\s+/).slice(0, 2).join(' ');
}
