import { tracesOf } from '../../testbed/traces.ts';
import { describeMachineLife } from '../support/machine-life.ts';

describeMachineLife({
  title: 'a machine of systemd-nspawn',
  prepare: async () => ['--driver', 'nspawn'],
  switchable: true,
  removal: ['-y'],
  leftovers: (user, ids) => tracesOf(user.sandbox.store, ids),
});
