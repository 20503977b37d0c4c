import { rename, stat, writeFile } from 'node:fs/promises';
import { generateKeyPair } from '../ssh/keys/ed25519.ts';

/** The public half is written first and the private one appears whole, so what is there is complete. */
export async function keepOrMakeKey(path: string, comment: string): Promise<void> {
  if ((await stat(path).catch(() => undefined)) !== undefined) return;
  const pair = generateKeyPair(comment);
  await writeFile(`${path}.pub`, `${pair.publicKey}\n`, { mode: 0o644 });
  await writeFile(`${path}.new`, pair.privateKey, { mode: 0o600, flush: true });
  await rename(`${path}.new`, path);
}
