import { expect, test } from 'vitest';
import { isSshfs, mountedOn, parseMountOutput, parseProcMounts } from '../../../../src/ssh/system/sshfs.ts';

test("Linux's table is read with its escapes, and the last mount on a folder counts", () => {
  const table = parseProcMounts(
    'tmpfs /mnt tmpfs rw 0 0\ndebian@192.0.2.7:/srv/a\\040b /mnt/a\\040b\\134c fuse.sshfs rw,nosuid 0 0\nproc /mnt proc rw 0 0\n\n',
  );
  expect(mountedOn(table, '/mnt')).toMatchObject({ type: 'proc' });
  const mount = mountedOn(table, '/mnt/a b\\c');
  expect(mount).toEqual({ source: 'debian@192.0.2.7:/srv/a b', point: '/mnt/a b\\c', type: 'fuse.sshfs' });
  expect(table.map((one) => isSshfs(one, 'linux'))).toEqual([false, true, false]);
  expect(mountedOn(table, '/srv')).toBeUndefined();
});

test("macOS' list is read, also with words in the names that look like its own", () => {
  const table = parseMountOutput(
    '/dev/disk3s1 on / (apfs, sealed, local)\ndebian@192.0.2.7:/srv on /Users/me/on call (1) (macfuse, nodev, nosuid, mounted by me)\n',
  );
  const mount = mountedOn(table, '/Users/me/on call (1)');
  expect(mount).toMatchObject({ source: 'debian@192.0.2.7:/srv', type: 'macfuse' });
  expect(table.map((one) => isSshfs(one, 'darwin'))).toEqual([false, true]);
});
