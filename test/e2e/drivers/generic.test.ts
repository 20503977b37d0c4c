import { afterAll } from 'vitest';
import { genericOptions } from '../../testbed/host.ts';
import { startHosts, type Testbed } from '../../testbed/testbed.ts';
import { difference, hostState } from '../support/host-state.ts';
import { describeMachineLifecycle } from '../support/machine-lifecycle.ts';

const state: { testbed?: Testbed; before?: readonly string[] } = {};

for (const { suite, engine } of [
  { suite: 'bookworm', engine: true },
  { suite: 'bookworm', engine: false },
  { suite: 'trixie', engine: true },
  { suite: 'trixie', engine: false },
  { suite: 'sid', engine: true },
  { suite: 'sid', engine: false },
] as const) {
  describeMachineLifecycle({
    title: `an adopted host: ${suite} ${engine ? 'with its engine' : 'without an engine'}`,
    prepare: async () => {
      state.testbed = await startHosts({ suite, engine, names: ['adopted'] });
      const host = state.testbed.host('adopted');
      state.before = await hostState(host);
      return genericOptions(host);
    },
    switchable: false,
    removal: ['-y', '--restore'],
    leftovers: async () =>
      difference(state.before ?? [], await hostState((state.testbed as Testbed).host('adopted'))),
    after: async () => state.testbed?.close(),
  });
}

afterAll(() => state.testbed?.close());
