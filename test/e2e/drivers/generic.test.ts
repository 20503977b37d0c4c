import { afterAll } from 'vitest';
import { startHosts, type Testbed } from '../../testbed/testbed.ts';
import { difference, hostState } from '../support/host-state.ts';
import { describeMachineLife } from '../support/machine-life.ts';

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
      bed.before = await hostState(host);
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
    leftovers: async () =>
      difference(bed.before ?? [], await hostState((bed.testbed as Testbed).host('adopted'))),
    after: async () => bed.testbed?.close(),
  });
}

afterAll(() => bed.testbed?.close());
