import type { TestHost } from '../../testbed/host.ts';

/** Each line begins with what it tells of. Files below these folders have their digest, too. */
const SCRIPT = `
export LC_ALL=C
trees='/etc /usr/local /usr/lib/systemd /lib/systemd /root /home /srv /opt /var/lib/mymachine /var/lib/dpkg/alternatives /var/lib/systemd/deb-systemd-helper-enabled /var/lib/systemd/deb-systemd-helper-masked'
find $trees -xdev \\( -type f -printf 'file %p %m %U:%G %s\\n' \\) -o -printf '%y %p %m %U:%G %l\\n' 2>/dev/null | sort
find $trees -xdev -type f -print0 2>/dev/null | sort -z | xargs -0 sha256sum | sed 's/^/sha256 /'
ls /var/lib/dpkg/info | sed 's/^/dpkg-info /'
find /var/lib/docker /var/lib/containerd /var/lib/dpkg/diversions /var/lib/dpkg/statoverride -maxdepth 0 -printf 'data %p %m %U:%G\\n' 2>/dev/null
ls -d /run/docker* /run/containerd* /run/mymachine* /run/lock/mymachine* /run/systemd/system/docker* 2>/dev/null | sed 's/^/run /'
dpkg-query -W -f='package \${Package} \${Version} \${Status}\\n'
for kind in hold manual auto; do apt-mark show$kind | sed "s/^/$kind /"; done
getent group | sed 's/^/group /'; getent passwd | sed 's/^/user /'
systemctl list-unit-files --no-legend --no-pager | sed 's/  */ /g;s/^/unit /'
systemctl show docker.service docker.socket containerd.service -p Id -p ActiveState -p UnitFileState | paste -sd ' ' | sed 's/  /\\n/g;s/^/active /'
hostname | sed 's/^/name /'
for one in iptables ip6tables; do ! command -v $one-save >/dev/null || $one-save 2>/dev/null | sed "/^[#*C]/d;/^:[A-Z]* ACCEPT/d;s/\\[[0-9:]*\\]//;s/^/$one /"; done
find /proc/sys/net -type f \\( -name ip_forward -o -name 'forwarding' -o -path '*bridge*' \\) -exec grep -H . {} + 2>/dev/null | grep -v '/veth' | sort | sed 's/^/sysctl /'
ls /sys/class/net | grep -v '^veth' | sed 's/^/link /'
awk '$2 ~ /docker|containerd/ { print "mount " $2 }' /proc/mounts | sort
`;

/**
 * What lives on by itself: caches of the linker, the copies that useradd makes of its files, the
 * resolver's file.
 */
const VOLATILE =
  /ld\.so\.cache| \/etc\/(?:mtab|resolv\.conf|\.pwd\.lock|\.updated)\b| \/etc\/(?:group|gshadow|passwd|shadow|subgid|subuid)- | \/etc\/(?:group|gshadow|passwd|shadow|subgid|subuid)-$/;

/**
 * All of a host that provisioning could change: files with owner, mode and content, links, packages
 * and their marks, units, groups, firewall, forwarding, network interfaces.
 */
export async function hostState(host: TestHost): Promise<readonly string[]> {
  const lines = (await host.must(['sh', '-c', SCRIPT])).split('\n');
  return lines.filter((line) => line !== '' && !VOLATILE.test(line));
}

/** Lines that came (+) and went (-). */
export function difference(before: readonly string[], after: readonly string[]): readonly string[] {
  const old = new Set(before);
  const now = new Set(after);
  return [
    ...after.filter((line) => !old.has(line)).map((line) => `+ ${line}`),
    ...before.filter((line) => !now.has(line)).map((line) => `- ${line}`),
  ];
}
