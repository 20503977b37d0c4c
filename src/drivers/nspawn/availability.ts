import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Ports } from '../../base/ports.ts';
import type { Availability } from '../../sdk/driver.ts';
import { readHierarchies } from './container/hierarchies.ts';

const SCORE = 50;

/** Programs, and the Debian package that each comes with. */
const NEEDED: Readonly<Record<string, string>> = {
  'systemd-nspawn': 'systemd-container',
  mmdebstrap: 'mmdebstrap',
  slirp4netns: 'slirp4netns',
  iptables: 'iptables',
  ip: 'iproute2',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
  sysctl: 'procps',
};

const DEBIAN_KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

export async function nspawnAvailability(ports: Ports): Promise<Availability> {
  if (process.platform !== 'linux') return { works: false, why: 'container machines need Linux' };
  if (process.getuid?.() !== 0) {
    return { works: false, why: 'container machines need root', fix: 'Run it with sudo' };
  }
  const kernel = await kernelLack(ports);
  if (kernel !== undefined) return { works: false, ...kernel };
  const lacking = new Set<string>();
  const missing: string[] = [];
  for (const [program, debianPackage] of Object.entries(NEEDED)) {
    if ((await ports.programs.find(program)) !== undefined) continue;
    lacking.add(debianPackage);
    missing.push(program);
  }
  if (!existsSync(DEBIAN_KEYRING)) {
    lacking.add('debian-archive-keyring');
    missing.push(DEBIAN_KEYRING);
  }
  if (missing.length === 0) {
    return { works: true, score: SCORE, how: 'systemd containers, without a hypervisor' };
  }
  const hasApt = (await ports.programs.find('apt-get')) !== undefined;
  const packages = [...lacking];
  return {
    works: false,
    why: `missing: ${missing.join(', ')}`,
    ...(hasApt
      ? { fix: `apt-get install ${packages.join(' ')}`, packages, score: SCORE }
      : { fix: 'Only Debian and Ubuntu have all that container machines need' }),
  };
}

/** What the kernel, or the container we are in ourselves, withholds. */
async function kernelLack(ports: Ports): Promise<{ why: string; fix?: string } | undefined> {
  if ((await readHierarchies()).unified === undefined) {
    return {
      why: 'there is no cgroup v2 that can be written to',
      fix: 'Boot with systemd.unified_cgroup_hierarchy=1; a container needs --privileged --cgroupns=host',
    };
  }
  if (!existsSync('/proc/self/ns/net')) return { why: 'the kernel has no network namespaces' };
  if (!existsSync('/dev/net/tun')) return { why: 'there is no /dev/net/tun', fix: 'modprobe tun' };
  const fileSystems = await readFile('/proc/filesystems', 'utf8').catch(() => '');
  if (!/^nodev\toverlay$/m.test(fileSystems)) {
    const hasModprobe = (await ports.programs.find('modprobe')) !== undefined;
    const module = hasModprobe ? await ports.programs.run(['modprobe', '-n', '-q', 'overlay']) : undefined;
    if (module?.exitCode !== 0)
      return { why: 'the kernel has no overlay file system', fix: 'modprobe overlay' };
  }
  return undefined;
}
