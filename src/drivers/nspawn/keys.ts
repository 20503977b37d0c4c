import { readFile, rm } from 'node:fs/promises';
import type { Ports } from '../../base/ports.ts';
import { command } from './command.ts';

/** Makes an ed25519 key pair without a passphrase at `path` and `path`.pub. A half-made one is replaced. */
export async function makeKeyPair(ports: Ports, path: string, comment: string): Promise<void> {
  await rm(path, { force: true });
  await rm(`${path}.pub`, { force: true });
  await command(ports, ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', path]);
}

/** `ssh-ed25519 AAAA…`, without the comment. */
export async function publicKeyOf(path: string): Promise<string> {
  return (await readFile(`${path}.pub`, 'utf8')).trim().split(/\s+/).slice(0, 2).join(' ');
}
