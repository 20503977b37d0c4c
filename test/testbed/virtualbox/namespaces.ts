import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Argv } from '../../../src/base/ports.ts';

/**
 * Namespaces of processes, mounts and network that end
 * together: nothing made in them can outlive them.
 */
export interface Namespaces {
  /**
   * Prefix of a command of this computer: its own files, in
   * the enclosure's network, where /dev/vboxdrv may exist.
   */
  readonly outer: Argv;
  /** The same, but it dies with the enclosure. */
  readonly mortal: Argv;
  /**
   * Prefix of a command of VirtualBox's root file system, in
   * which this computer's folders of data have the same paths.
   */
  readonly inner: Argv;
  /** Kills all there is in it, and resolves when it is gone. */
  close(): Promise<void>;
}

/** Folders of a system's own; all others of this computer are the same in there. */
const SYSTEM = ['bin', 'boot', 'dev', 'etc', 'proc', 'run', 'sbin', 'sys', 'usr', 'var'];

/** Whether VirtualBox's programs see this folder under the same path. */
export function isShared(path: string): boolean {
  const top = path.split('/')[1] ?? '';
  return path.startsWith('/var/tmp') || !(SYSTEM.includes(top) || top.startsWith('lib') || top === '');
}

// $1 VirtualBox's root, $2 an empty folder, $3 "module" to have /dev/vboxdrv. The
// first process of a pid namespace has to collect orphans, which the shell does when
// it waits. The kernel looks for terminals beside ptmx, so that is no bind mount.
const INIT = `set -e
root=$1 dev=$2
mount --make-rprivate /
ip link set lo up
share() { mkdir -p "$root$1"; mount --rbind "$1" "$root$1"; }
share /var/tmp
share /dev
[ ! -d /etc/vbox ] || share /etc/vbox
for path in /*; do
  case "\${path#/}" in ${SYSTEM.join('|')}|lib*) continue;; esac
  [ -L "$path" ] || [ ! -d "$path" ] || share "$path"
done
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t tmpfs -o mode=755 tmpfs "$dev"
for path in /dev/*; do
  own=$dev/\${path#/dev/}
  if [ "$path" = /dev/ptmx ]; then mknod -m 666 "$own" c 5 2
  elif [ -L "$path" ]; then cp -P "$path" "$own"
  elif [ -d "$path" ]; then mkdir "$own"; mount --rbind "$path" "$own"
  elif [ -e "$path" ]; then : >"$own"; mount --bind "$path" "$own"
  fi
done
[ "$3" != module ] || mknod -m 600 "$dev/vboxdrv" c 10 61
mount --move "$dev" /dev
read -r pid rest </proc/self/stat
echo "$pid"
exec chroot "$root" sh -c 'sleep infinity & wait'`;

/**
 * @param folder of the testbed's own.
 * @param module whether VirtualBox's kernel module is to look loaded.
 */
export async function openNamespaces(root: string, folder: string, module: boolean): Promise<Namespaces> {
  const dev = join(folder, 'dev');
  await mkdir(dev);
  const namespaces = ['--mount', '--pid', '--net', '--fork', '--kill-child=KILL'];
  const shell = ['sh', '-c', INIT, 'testbed', root, dev, module ? 'module' : ''];
  // Should this process be killed, the kernel kills unshare,
  // and then its child, and with that all the others.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'unshare', ...namespaces, ...shell], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const pid = await firstLine(child);
  const target = ['--target', pid];
  return {
    outer: ['nsenter', ...target, '--mount', '--net', '--'],
    mortal: ['nsenter', ...target, '--mount', '--net', '--pid', '--'],
    inner: ['nsenter', ...target, '--mount', '--net', '--pid', '--root', '--'],
    close: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', reject);
    child.once('close', () => reject(new Error(`No namespaces for VirtualBox: ${stderr}`)));
    if (child.stdout !== null) createInterface(child.stdout).once('line', resolve);
  });
}
