import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readBounded } from '../../base/files.ts';
import { messageOf } from '../../base/machine-error.ts';
import type { Programs } from '../../base/ports.ts';
import { blobOfLine, keyType } from './public-key.ts';

const KRL_MAGIC = 'SSHKRL\n\0';

/**
 * Looks for a key in the files of RevokedHostKeys in ssh_config(5): public keys, or a KRL. As with
 * ssh, a file that cannot be read revokes every key.
 * @returns why the key is refused; undefined for a key that is not.
 */
export async function whyRevoked(
  files: readonly string[],
  blob: Buffer,
  programs: Programs,
): Promise<string | undefined> {
  for (const file of files) {
    try {
      const content = await readBounded(file);
      const isKrl = content.toString('latin1', 0, KRL_MAGIC.length) === KRL_MAGIC;
      const isRevoked = isKrl
        ? await isInKrl(file, blob, programs)
        : content
            .toString('latin1')
            .split('\n')
            .some((line) => blobOfLine(line)?.equals(blob));
      if (isRevoked) return `it is revoked in ${file}`;
    } catch (error) {
      return `RevokedHostKeys cannot be read: ${file}: ${messageOf(error)}`;
    }
  }
  return undefined;
}

async function isInKrl(file: string, blob: Buffer, programs: Programs): Promise<boolean> {
  // Our pipe to a program is a socket, which it cannot open as /dev/stdin.
  const folder = await mkdtemp(join(tmpdir(), 'mm-'));
  try {
    const key = join(folder, 'key.pub');
    await writeFile(key, `${keyType(blob)} ${blob.toString('base64')}\n`);
    const ran = await programs.run(['ssh-keygen', '-Q', '-f', file, key], { timeoutMs: 10_000 });
    if (ran.exitCode === 0) return false;
    if (/REVOKED/.test(ran.stdout)) return true;
    throw new Error('ssh-keygen -Q does not understand it');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
