import { stat } from 'node:fs/promises';
import { readBounded, textIfAny, writeAtomic } from '../../base/files.ts';
import { messageOf } from '../../base/machine-error.ts';
import { sshError } from '../errors.ts';

/**
 * Reads a private key, which other users must not be able to read, as ssh demands.
 * @throws MM_SSH_KEY_MISSING, MM_SSH_KEY_PERMISSIONS (docker-machine's words)
 */
export async function readKeyFile(path: string): Promise<Buffer> {
  await checkKeyFile(path);
  try {
    return await readBounded(path);
  } catch (error) {
    throw missing(path, error);
  }
}

/** Copies a key that the user named to a file of ours, with its public half if there is one. */
export async function copyKeyFile(from: string, to: string): Promise<void> {
  await writeAtomic(to, await readBounded(from));
  const half = await textIfAny(`${from}.pub`);
  if (half !== '') await writeAtomic(`${to}.pub`, half, 0o644);
}

/** Makes the checks of `readKeyFile` alone. The system's ssh would only warn and go on. */
export async function checkKeyFile(path: string): Promise<void> {
  const status = await stat(path).catch((error: unknown) => {
    throw missing(path, error);
  });
  if (!status.isFile()) throw missing(path, new Error('not a file'));
  // Windows has access lists instead, which its own ssh checks.
  if (process.platform === 'win32' || (status.mode & 0o077) === 0) return;
  const mode = (status.mode & 0o777).toString(8).padStart(4, '0');
  throw sshError('MM_SSH_KEY_PERMISSIONS', {
    message: `Permissions ${mode} for '${path}' are too open`,
    hint: `Make it yours alone with "chmod 600 ${path}".`,
  });
}

export function invalidKey(path: string, why: string): Error {
  return sshError('MM_SSH_KEY_INVALID', {
    message: `The SSH key ${path} cannot be used: ${why}`,
    hint: `Check it with "ssh-keygen -y -f ${path}".`,
  });
}

function missing(path: string, error: unknown): Error {
  return sshError('MM_SSH_KEY_MISSING', {
    message: `Cannot read the SSH key ${path}: ${messageOf(error)}`,
    hint: 'Check the path of the key, and that you may read it.',
    cause: error,
  });
}
