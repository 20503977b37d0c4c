import type { TestHost } from '../../testbed/host.ts';

const SCRIPT = `
find /etc /var/lib/mymachine /usr/local /root /home -xdev -type f -print0 2>/dev/null | sort -z | xargs -0 sha256sum
find /etc /var/lib/mymachine -xdev -type l -printf '%p -> %l\\n' | sort
dpkg-query -W -f='\${Package} \${Version} \${Status}\\n'
hostname
systemctl is-enabled docker 2>/dev/null || :
find /var/lib/docker -mindepth 1 -maxdepth 1 2>/dev/null | head -1
`;

/**
 * What lives on by itself: caches of the package tool and the
 * linker, backups that useradd makes, the resolver's file.
 */
const VOLATILE =
  /ld\.so\.cache|\/etc\/(mtab|resolv\.conf|\.pwd\.lock|\.updated)|\/etc\/(group|gshadow|passwd|shadow|subgid|subuid)-?$/;

/**
 * All of a host that provisioning could change:
 * configuration, units, packages, names, files in homes.
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
