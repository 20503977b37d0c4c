import { spawnSync } from 'node:child_process';

/** The commit of these sources, for the words of `version`; an unpacked archive has none. */
export function revision() {
  const root = new URL('..', import.meta.url).pathname;
  const { status, stdout } = spawnSync('git', ['rev-parse', '--short=8', 'HEAD'], {
    cwd: root,
    encoding: 'utf8',
  });
  return status === 0 ? stdout.trim() : 'unknown';
}
