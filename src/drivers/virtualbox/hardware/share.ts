import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { DriverContext } from '../../../sdk/context.ts';
import type { HostMount } from '../../../sdk/driver.ts';
import { isBoot2Docker, parseShare, type Share, type VirtualBoxConfig } from '../config.ts';
import { virtualboxError } from '../errors.ts';
import { manage, type VmInfo, vmOf } from '../manage/manage.ts';

/** What docker-machine shares when nothing else is said. */
const USERS: Readonly<Partial<Record<NodeJS.Platform, Share>>> = {
  linux: { folder: '/home', name: 'hosthome' },
  darwin: { folder: '/Users', name: 'Users' },
  win32: { folder: 'C:\\Users', name: 'c/Users' },
};

/** undefined for none. */
export function shareOf(
  config: Readonly<VirtualBoxConfig>,
  users: Share | undefined = USERS[process.platform],
): Share | undefined {
  if (config.NoShare) return undefined;
  // docker-machine's older versions had none.
  if (config.ShareFolder) return recorded(config);
  return users !== undefined && existsSync(users.folder) ? users : undefined;
}

/** Of the record, which may have been written by hand. */
function recorded({ ShareFolder }: Readonly<VirtualBoxConfig>): Share {
  const share = parseShare(ShareFolder);
  if (share !== undefined) return share;
  throw virtualboxError('MM_VBOX_SHARE', {
    message: `The machine's record has no folder that can be shared: ${ShareFolder.slice(0, 200)}`,
    hint: 'ShareFolder in its config.json is such as /home/me/work:work.',
  });
}

/** Linux has the file system from 5.6 on. Debian's kernel for clouds is made without it. */
const REMEDY =
  'Install a kernel with it there (Debian: linux-image-amd64; Ubuntu: linux-modules-extra-$(uname -r)) and restart the machine, or share nothing with --virtualbox-no-share.';

/** Where the guest sees the folder, as with docker-machine. boot2docker mounts it itself. */
export function mountsOf(config: Readonly<VirtualBoxConfig>): readonly HostMount[] {
  const share = isBoot2Docker(config) ? undefined : shareOf(config);
  if (share === undefined) return [];
  return [{ type: 'vboxsf', what: share.name, where: `/${share.name}`, remedy: REMEDY }];
}

/** VirtualBox shares what is there, and says so only when the machine is made already. */
export async function checkShare(config: Readonly<VirtualBoxConfig>): Promise<void> {
  const share = shareOf(config);
  if (share === undefined || (await stat(share.folder).catch(() => undefined))?.isDirectory()) return;
  throw virtualboxError('MM_VBOX_SHARE', {
    message: `There is no folder ${share.folder.slice(0, 200)} to share`,
    hint: 'Give one that is there with --virtualbox-share-folder, as DIR:NAME.',
  });
}

/** Shares the folder with the machine, which must be off. Done already, it does nothing. */
export async function shareFolder(context: DriverContext<VirtualBoxConfig>, info: VmInfo): Promise<void> {
  const share = shareOf(context.config);
  if (share === undefined) return;
  const vm = vmOf(context);
  const names = [...info].flatMap(([key, value]) =>
    /^SharedFolderNameMachineMapping/.test(key) ? [value] : [],
  );
  if (names.includes(share.name)) return;
  await manage(context, ['guestproperty', 'set', vm, '/VirtualBox/GuestAdd/SharedFolders/MountPrefix', '/']);
  await manage(context, ['guestproperty', 'set', vm, '/VirtualBox/GuestAdd/SharedFolders/MountDir', '/']);
  const { name, folder } = share;
  await manage(context, ['sharedfolder', 'add', vm, '--name', name, '--hostpath', folder, '--automount']);
  const symlinks = `VBoxInternal2/SharedFoldersEnableSymlinksCreate/${name}`;
  await manage(context, ['setextradata', vm, symlinks, '1']);
}
