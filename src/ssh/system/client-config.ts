import type { SshTarget } from '../contract.ts';
import { sshError } from '../errors.ts';
import { pathValue, sshSettings } from './openssh.ts';

/**
 * A block of ssh_config(5) for whatever program says `ssh ADDRESS` and no more, as docker does for an ssh:// URL: it finds
 * the machine's user, port and key, and accepts the pinned host keys alone.
 * @throws MM_SSH_TARGET when a path cannot stand there
 */
export function hostBlock(target: SshTarget): string {
  const settings = sshSettings({ ...target, trust: 'pinned' });
  return [`Host ${target.host}`, ...settings.map(([keyword, value]) => `  ${keyword} ${value}`), ''].join(
    '\n',
  );
}

/**
 * The line that makes a user's ssh config take in the file at `path`. ssh reads patterns there, and newer releases tokens.
 * @throws MM_SSH_TARGET
 */
export function includeLine(file: string): string {
  const path = process.platform === 'win32' ? file.replaceAll('\\', '/') : file;
  if (!/[*?[\]%\\]/.test(path)) return `Include ${pathValue(path)}`;
  throw sshError('MM_SSH_TARGET', {
    message: `The path ${JSON.stringify(path)} cannot be included in an ssh config`,
    hint: 'Move the store to a path without * ? [ ] % and backslashes.',
  });
}
