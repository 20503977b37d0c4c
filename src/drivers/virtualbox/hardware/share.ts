import type { DriverContext } from '../../../sdk/context.ts';
import { isBoot2Docker, parseShare, type Share, type VirtualBoxConfig } from '../config.ts';
import { virtualboxError } from '../errors.ts';
import { manage, type VmInfo, vmOf } from '../manage/manage.ts';
import { parseValue } from '../manage/output.ts';

/** What docker-machine shared with boot2docker when nothing else was said. */
const USERS: Readonly<Partial<Record<NodeJS.Platform, Share>>> = {
  linux: { folder: '/home', name: 'hosthome' },
  darwin: { folder: '/Users', name: 'Users' },
  win32: { folder: 'C:\\Users', name: 'c/Users' },
};

function wished(
  config: Readonly<VirtualBoxConfig>,
  platform: NodeJS.Platform = process.platform,
): Share | undefined {
  // docker-machine's older versions had none.
  if (config.ShareFolder) return recorded(config);
  return config.NoShare || !isBoot2Docker(config) ? undefined : USERS[platform];
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

/** Shares the folder with the machine, which must be off. Done already, it does nothing. */
export async function shareFolder(context: DriverContext<VirtualBoxConfig>, info: VmInfo): Promise<void> {
  const share = wished(context.config);
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

/** Says how else a folder gets into a guest that lacks the Guest Additions. */
export async function warnOfUnseenShare(context: DriverContext<VirtualBoxConfig>): Promise<void> {
  const { config, machine, report } = context;
  if (!config.ShareFolder) return;
  const version = '/VirtualBox/GuestAdd/Version';
  const answer = await manage(context, ['guestproperty', 'get', vmOf(context), version]).catch(() => '');
  if (parseValue(answer) !== undefined) return;
  const { folder, name } = recorded(config);
  report.warn(
    `(${machine.name}) The guest has no VirtualBox Guest Additions, so it does not see the shared folder "${name}". ` +
      `Install them there, or see a folder of the guest here with "mymachine mount ${machine.name}:PATH", or copy ${folder} with "mymachine scp -r".`,
  );
}
