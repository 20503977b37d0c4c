import { createHmac } from 'node:crypto';
import { appendFile, chmod } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createAtomic, makeFolders, readText } from '../../base/files.ts';
import { isMachineError, messageOf } from '../../base/machine-error.ts';
import { sshError } from '../errors.ts';
import { blobOfLine, keyType } from './public-key.ts';

/** A host key in a machine's own known_hosts file, whose lines are `NAME TYPE BASE64 [COMMENT]`. */
export interface KnownHost {
  readonly name: string;
  /** Such as ssh-ed25519. */
  readonly type: string;
  readonly blob: Buffer;
}

/**
 * Reads the keys pinned for a name in a machine's own known_hosts file, oldest first. A missing
 * file has none.
 * @throws MM_SSH_KNOWN_HOSTS also for a line that neither we nor the system's ssh would write.
 *   A key that such a line revokes must not be trusted.
 */
export async function pinnedKeys(path: string, name: string): Promise<readonly KnownHost[]> {
  const text = await readText(path).catch((error: unknown) => {
    throw fileError('read', path, error);
  });
  const lines = (text ?? '').split('\n').flatMap((line, index) => {
    if (line.trim() === '' || line.startsWith('#')) return [];
    const [, named = '', key = ''] = /^([\w.-]+)\s+(.*)$/.exec(line) ?? [];
    const blob = blobOfLine(key);
    if (blob !== undefined) return [{ name: named, type: keyType(blob), blob }];
    throw sshError('MM_SSH_KNOWN_HOSTS', {
      message: `Line ${index + 1} of ${path} is not a name, a key type and a key`,
      hint: 'Nothing else belongs into a file of host keys that we keep: remove that line.',
    });
  });
  // The system's ssh writes names in small letters.
  return lines.filter((line) => line.name.toLowerCase() === name.toLowerCase());
}

/**
 * Pins the first key seen under a name. Gives the keys that hold from now on, which may be another
 * process's. A new file appears whole, and a line is one append, so no lock is needed.
 */
export async function pinFirstKey(path: string, name: string, blob: Buffer): Promise<readonly KnownHost[]> {
  const before = await pinnedKeys(path, name);
  if (before.length > 0) return before;
  const line = `${name} ${keyType(blob)} ${blob.toString('base64')}\n`;
  try {
    await makeFolders(dirname(path), 0o700);
    const isWhole = await createAtomic(path, line);
    if (!isWhole && (await pinnedKeys(path, name)).length === 0) await append(path, line);
  } catch (error) {
    throw isMachineError(error) ? error : fileError('write', path, error);
  }
  // The first key of a name is the one that counts.
  return (await pinnedKeys(path, name)).slice(0, 1);
}

async function append(path: string, line: string): Promise<void> {
  await chmod(path, 0o600);
  await appendFile(path, line, { flush: true });
}

function fileError(verb: 'read' | 'write', path: string, error: unknown): Error {
  return sshError('MM_SSH_KNOWN_HOSTS', {
    message: `Cannot ${verb} the known host keys in ${path}: ${messageOf(error)}`,
    hint: 'Check who owns the file and its folder, and that the disk is not full.',
    cause: error,
  });
}

const KINDS: Readonly<Record<string, ListedKey['kind']>> = {
  '': 'key',
  revoked: 'revoked',
  'cert-authority': 'authority',
};

/** A line of the user's own known_hosts files that is about a host. */
export interface ListedKey {
  /** Such as `/home/ann/.ssh/known_hosts:7`. */
  readonly where: string;
  readonly type: string;
  readonly blob: Buffer;
  /** `@revoked` and `@cert-authority` mark the two others. */
  readonly kind: 'key' | 'revoked' | 'authority';
  /** false: listed for the host's name without its port, where ssh looks second. */
  readonly isForPort: boolean;
}

/**
 * Finds what the user's known_hosts files (sshd(8)) say of a host. Files that cannot be read say
 * nothing, as with ssh.
 */
export async function listedKeys(
  paths: readonly string[],
  host: string,
  port: number,
): Promise<readonly ListedKey[]> {
  const names = [...new Set([port === 22 ? host : `[${host}]:${port}`, host])].map((name) =>
    name.toLowerCase(),
  );
  const found = paths.map(async (path) => {
    const text = (await readText(path).catch(() => undefined)) ?? '';
    return text.split('\n').flatMap((line, index): ListedKey[] => {
      const [, marker, hosts = '', key = ''] = /^\s*(?:@(\S+)\s+)?([^\s#]\S*)\s+(.*)$/.exec(line) ?? [];
      const blob = blobOfLine(key);
      const kind = KINDS[marker ?? ''];
      if (blob === undefined || kind === undefined) return [];
      const name = names.find((one) => isListed(hosts, one));
      if (name === undefined) return [];
      const isForPort = name === names[0];
      const where = `${path}:${index + 1}`;
      return [{ where, type: keyType(blob), blob, kind, isForPort }];
    });
  });
  return (await Promise.all(found)).flat();
}

/** Whether a line's first field, with its patterns and hashes, has the name. */
function isListed(field: string, name: string): boolean {
  const [, salt, hash] = /^\|1\|([^|]+)\|(.+)$/.exec(field) ?? [];
  if (salt !== undefined)
    return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
  const matches = (pattern: string) =>
    new RegExp(
      `^${pattern
        .replace(/[^*?]/g, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`)
        .replace(/[*]+/g, '.*')
        .replaceAll('?', '.')}$`,
      'iu',
    ).test(name);
  const patterns = field.split(',');
  return (
    patterns.some((pattern) => !pattern.startsWith('!') && matches(pattern)) &&
    !patterns.some((pattern) => pattern.startsWith('!') && matches(pattern.slice(1)))
  );
}
