import { afterAll } from 'vitest';
import type { TestHost } from '../testbed/host.ts';
import { startHosts, type Testbed } from '../testbed/testbed.ts';
import { describeMachineLife } from './machine-life.ts';

/** All that could have changed on the host: configuration, units, packages, our own state. */
async function stateOf(host: TestHost): Promise<readonly string[]> {
  const script = `
    find /etc /var/lib/mymachine /usr/local/bin -xdev \\( -name '*.mymachine*' -prune \\) -o -type f -print0 2>/dev/null |
      sort -z | xargs -0 sha256sum
    dpkg-query -W -f='\${Package} \${Version} \${Status}\\n'
    hostname
    systemctl is-enabled docker 2>/dev/null
    ls /var/lib/docker 2>/dev/null | grep -c . || :
  `;
  const lines = (await host.must(['sh', '-c', script])).split('\n');
  // What lives on by itself: caches of the package tool and of the linker.
  return lines.filter(
    (line) =>
      !/ld\.so\.cache|\/etc\/(mtab|resolv\.conf|\.pwd\.lock|apt\/)|group-?$|gshadow-?$|passwd-?$|shadow-?$|subgid-?|subuid-?/.test(
        line,
      ),
  );
}

const bed: { testbed?: Testbed; before?: readonly string[] } = {};

for (const { suite, engine } of [
  { suite: 'bookworm', engine: true },
  { suite: 'bookworm', engine: false },
  { suite: 'trixie', engine: true },
  { suite: 'trixie', engine: false },
  { suite: 'sid', engine: true },
  { suite: 'sid', engine: false },
] as const) {
  describeMachineLife({
    title: `an adopted host: ${suite} ${engine ? 'with its engine' : 'without an engine'}`,
    prepare: async () => {
      bed.testbed = await startHosts({ suite, engine, names: ['adopted'] });
      const host = bed.testbed.host('adopted');
      bed.before = await stateOf(host);
      return [
        '--driver',
        'generic',
        '--generic-ip-address',
        host.address,
        '--generic-ssh-user',
        host.user,
        '--generic-ssh-key',
        host.keyPath,
      ];
    },
    switchable: false,
    removal: ['-y', '--restore'],
    leftovers: async () => {
      const now = await stateOf((bed.testbed as Testbed).host('adopted'));
      const before = new Set(bed.before);
      const after = new Set(now);
      return [
        ...now.filter((line) => !before.has(line)).map((line) => `+ ${line}`),
        ...[...before].filter((line) => !after.has(line)).map((line) => `- ${line}`),
      ];
    },
    after: async () => bed.testbed?.close(),
  });
}

afterAll(() => bed.testbed?.close());
