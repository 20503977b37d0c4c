import { readFile, stat, writeFile } from 'node:fs/promises';
import { writeAtomic } from '../base/files.ts';
import { generateKeyPair } from '../ssh/keys/ed25519.ts';

/** Makes a key pair unless there is one. The private half comes last, so a pair is complete. */
export async function keepOrMakeKey(path: string, comment: string): Promise<void> {
  if ((await stat(path).catch(() => undefined)) !== undefined) return;
  const pair = generateKeyPair(comment);
  await writeFile(`${path}.pub`, `${pair.publicKey}\n`, { mode: 0o644 });
  await writeAtomic(path, pair.privateKey);
}

/** The public half of the key at `path`: `ssh-ed25519 AAAA…`, without its comment. */
export async function readPublicKey(path: string): Promise<string> {
  return (await readFile(`${path}.pub`, 'utf8')).trim().split(/\s+/).slice(0, 2).join(' ');
}
