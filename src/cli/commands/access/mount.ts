import { resolve } from 'node:path';
import { baseError } from '../../../base/errors.ts';
import type { Argv } from '../../../base/ports.ts';
import type { App } from '../../app.ts';
import { defineCommand, done, oneName } from '../../command.ts';
import { cliError } from '../../errors.ts';
import { type CopyPath, everywhere, installHint, parseCopyPath, runningMachine } from '../../ssh-client.ts';

const SSHFS_PACKAGES = {
  ...everywhere('sshfs'),
  dnf: 'fuse-sshfs',
  brew: '--cask macfuse && brew install gromgit/fuse/sshfs-mac',
};

export const command = defineCommand({
  argument: '[[user@]machine:][path] [mountpoint]',
  description:
    "Arguments are a machine's folder and an empty folder of this computer to mount it on, by sshfs; without the second, the\n" +
    'path is the same here. Without a colon the machine is the one called default. The mount stays until it is ended by\n' +
    '--unmount, and comes back by itself when the machine was restarted.',
  examples: ['mount host1:/srv/data ./data', 'mount host1:/etc ./etc', 'mount -u host1:/srv/data ./data'],
  flags: [{ name: 'unmount', short: 'u', kind: 'bool', help: 'Unmount instead of mount' }],
  async run(app, { flags, args }) {
    const [source, point, ...more] = args;
    if (source === undefined || more.length > 0) {
      throw cliError('MM_ARGUMENTS', {
        message: 'Improper number of arguments',
        hint: "Give a machine's folder and, where that is another, the folder to mount it on.",
      });
    }
    if (flags.unmount) await unmount(app, source, point);
    else await mount(app, source, point);
    return done;
  },
});

async function mount(app: App, source: string, given: string | undefined): Promise<void> {
  if ((await app.programs.find('sshfs')) === undefined) {
    throw baseError('MM_PROGRAM_MISSING', {
      message: 'You must have a copy of the sshfs binary locally to use the mount feature',
      hint: await installHint(app, 'sshfs', SSHFS_PACKAGES),
    });
  }
  const { machine: named, user, path } = mountSource(source, app.io.platform);
  const name = await oneName(app, named === undefined ? [] : [named]);
  await app.store.load(name);
  const { checkMountPoint, checkRemoteFolder, mountFolder } = await import('../../../ssh/system/sshfs.ts');
  const ports = { ...app.deps, platform: app.io.platform };
  const point = mountPoint(app, path, given);
  await checkMountPoint(ports, point);
  const target = await (await runningMachine(app, name)).sshTarget();
  const folder = { target: user === undefined ? target : { ...target, user }, path };
  const connector = await app.ssh();
  await checkRemoteFolder(await connector.session(folder.target, { signal: app.signal }), folder);
  await mountFolder(ports, folder, point, !app.globals['no-ssh-config']);
}

/** Asks nothing of the machine, which may be gone, nor of its record. */
async function unmount(app: App, source: string, given: string | undefined): Promise<void> {
  const { path } = mountSource(source, app.io.platform);
  const { unmountFolder } = await import('../../../ssh/system/sshfs.ts');
  const ports = { ...app.deps, platform: app.io.platform };
  await unmountFolder(ports, mountPoint(app, path, given), await unmountCommand(app));
}

/** Unlike with scp, a path without a colon is one of the machine `default`. */
function mountSource(text: string, platform: NodeJS.Platform): CopyPath {
  const parsed = parseCopyPath(text, platform);
  if (parsed.machine !== undefined || !text.includes(':') || parsed.path === text) return parsed;
  throw cliError('MM_ARGUMENTS', {
    message: `${JSON.stringify(text.slice(0, 100))} is a folder of this computer, not of a machine`,
    hint: 'Name the machine: "mymachine mount host1:/srv/data ./data".',
  });
}

function mountPoint(app: App, path: string, given: string | undefined): string {
  const point = given ?? path;
  if (point !== '') return resolve(app.io.cwd, point);
  throw cliError('MM_ARGUMENTS', {
    message: 'There is no folder to mount on',
    hint: `Name an empty folder of this computer: "${app.program} mount host1: ./home".`,
  });
}

async function unmountCommand(app: App): Promise<Argv> {
  const commands: readonly Argv[] =
    app.io.platform === 'linux' ? [['fusermount3', '-u'], ['fusermount', '-u'], ['umount']] : [['umount']];
  for (const command of commands) if ((await app.programs.find(command[0])) !== undefined) return command;
  throw baseError('MM_PROGRAM_MISSING', {
    message: 'You must have a copy of the fusermount binary locally to use the unmount option',
    hint: await installHint(app, 'fusermount', everywhere('fuse3')),
  });
}
