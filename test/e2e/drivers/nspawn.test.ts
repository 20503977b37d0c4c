import { leftoversOf } from '../../testbed/leftovers.ts';
import { describeMachineLifecycle } from '../support/machine-lifecycle.ts';

describeMachineLifecycle({
  title: 'a machine of systemd-nspawn',
  prepare: async () => ['--driver', 'nspawn'],
  switchable: true,
  removal: ['-y'],
  leftovers: (user, ids) => leftoversOf(user.sandbox.store, ids),
});
