import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ports } from '../../../src/base/ports.ts';
import { aptMirror } from '../../../src/images/apt-mirror.ts';
import { runBootstrap } from '../../../src/images/bootstrap.ts';
import { testImages } from '../driver-context.ts';

/** Where Debian's package has the programs themselves; /usr/bin has wrappers around them. */
export const PROGRAMS_DIR = '/usr/lib/virtualbox';

const PACKAGES = ['iproute2', 'dnsmasq-base', 'procps'];

const SETUP_HOOKS = [
  // VirtualBox is in contrib; and a mirror of unstable that
  // stands still for a week has an index past its date.
  'sed -i "s/ main$/ main contrib/" "$1/etc/apt/sources.list"',
  'printf "Acquire::Check-Valid-Until \\"false\\";\\n" >"$1/etc/apt/apt.conf.d/90testbed"',
];

const CUSTOMIZE_HOOKS = [
  // The kernel's modules cannot be built or loaded
  // here, so a package without any takes their place.
  'mkdir -p "$1/tmp/modules/DEBIAN" && printf "Package: testbed-virtualbox-modules\\nVersion: 1\\nArchitecture: all\\nMaintainer: nobody <nobody@localhost>\\nProvides: virtualbox-modules\\nDescription: stands for modules that are not there\\n" >"$1/tmp/modules/DEBIAN/control"',
  'chroot "$1" dpkg-deb --build /tmp/modules /tmp/modules.deb && chroot "$1" dpkg -i /tmp/modules.deb && rm -r "$1/tmp/modules" "$1/tmp/modules.deb"',
  'chroot "$1" apt-get install -y --no-install-recommends virtualbox',
  'rm -f "$1"/usr/lib/virtualbox/webtest "$1"/usr/lib/virtualbox/vboxwebsrv "$1"/var/cache/apt/archives/*.deb; rm -rf "$1"/var/lib/apt/lists/*',
];

/**
 * VBoxNetAdpCtl makes host-only adapters with a kernel module. Here they
 * are bridges of the same names; their addresses are set by the real
 * one. Called as `add [NAME]`, whose name it prints, and `NAME remove`.
 */
const ADAPTERS = `#!/bin/sh
set -e
if [ "$1" = add ]; then
  name=$2
  if [ -z "$name" ]; then
    number=0
    while [ -e "/sys/class/net/vboxnet$number" ]; do number=$((number + 1)); done
    name=vboxnet$number
  fi
  mac=$(printf '0a:00:27:00:00:%02x' "\${name#vboxnet}")
  ip link add "$name" address "$mac" type bridge forward_delay 0
  echo "$name"
elif [ "$2" = remove ]; then
  ip link delete "$1"
else
  exec "$0.real" "$@"
fi
`;

/**
 * A root file system of Debian unstable with the real VirtualBox in it, in the cache:
 * made once, in a minute and a half, of 570 MB. A change of its recipe makes another
 * one. Needs root, mmdebstrap, and a mirror of Debian in apt's configuration.
 */
export async function ensureRoot(ports: Ports, cacheDir: string): Promise<string> {
  const folder = join(cacheDir, 'virtualbox');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const recipe = JSON.stringify([PACKAGES, SETUP_HOOKS, CUSTOMIZE_HOOKS, ADAPTERS]);
  const name = `root-${createHash('sha256').update(recipe).digest('hex').slice(0, 8)}`;
  return testImages(cacheDir).withLock('virtualbox-root', 'a root file system with VirtualBox', async () => {
    const entries = await readdir(folder);
    const dir = join(folder, name);
    // It gets its name when it is complete.
    if (entries.includes(name)) return dir;
    for (const left of entries.filter((entry) => /^(?:root-|build$)/.test(entry)))
      await ports.programs.run(['rm', '-rf', '--one-file-system', '--', join(folder, left)]);
    await ports.report.step('Building a root file system with VirtualBox', () =>
      build(ports, join(folder, 'build')),
    );
    await rename(join(folder, 'build'), dir);
    return dir;
  });
}

async function build(ports: Ports, target: string): Promise<void> {
  const mirror = await aptMirror();
  if (mirror?.distribution !== 'debian')
    throw new Error(
      'VirtualBox is taken from Debian unstable, so this computer must have a mirror of Debian',
    );
  await runBootstrap(ports, {
    mirror,
    suite: 'sid',
    packages: PACKAGES,
    target,
    setupHooks: SETUP_HOOKS,
    customizeHooks: CUSTOMIZE_HOOKS,
  });
  const helper = join(target, PROGRAMS_DIR, 'VBoxNetAdpCtl');
  await rename(helper, `${helper}.real`);
  await writeFile(helper, ADAPTERS);
  await chmod(helper, 0o755);
}
