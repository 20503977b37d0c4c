import { isPortFree, takeFreePorts } from '../../../base/net.ts';
import type { DriverContext } from '../../../sdk/context.ts';
import type { VirtualBoxConfig } from '../config.ts';
import { manage } from '../manage/manage.ts';
import { forwardsOf } from '../manage/output.ts';
import { vmOf } from '../manage/vm.ts';

const GUEST_SSH_PORT = 22;
const GUEST_ENGINE_PORT = 2376;

/**
 * Local ports that lead into the machine, one for SSH and without a host-only network
 * one for its engine. Those that it had are kept while they are free; another program
 * may have taken one since. The machine does not run, and the caller holds the lock
 * until it does. Gives the forwards that are to be changed in VirtualBox.
 */
export async function planForwards(
  { config }: Pick<DriverContext<VirtualBoxConfig>, 'config'>,
  info: ReadonlyMap<string, string>,
): Promise<{
  readonly ports: Pick<VirtualBoxConfig, 'SSHPort' | 'EnginePort'>;
  readonly changes: readonly Change[];
}> {
  const had = forwardsOf(info);
  const wanted = [
    { name: 'ssh', guest: GUEST_SSH_PORT, port: config.SSHPort },
    ...(config.NatOnly === true
      ? [{ name: 'docker', guest: GUEST_ENGINE_PORT, port: config.EnginePort ?? 0 }]
      : []),
  ];
  const wishes = [];
  for (const { name, guest, port } of wanted) {
    const current = had.find((forward) => forward.name === name);
    const preferred = current?.hostPort ?? port;
    const host = preferred > 0 && (await isPortFree(preferred)) ? preferred : 0;
    wishes.push({ name, guest, host, protocol: 'tcp' as const, had: current?.hostPort });
  }
  const taken = await takeFreePorts(wishes);
  const portOf = (name: string) => taken.find((forward) => forward.name === name)?.host ?? 0;
  return {
    ports: { SSHPort: portOf('ssh'), EnginePort: portOf('docker') },
    changes: taken.flatMap(({ name, guest, host, had: old }) =>
      old === host
        ? []
        : [{ name, isThere: old !== undefined, rule: `${name},tcp,127.0.0.1,${host},,${guest}` }],
    ),
  };
}

export interface Change {
  readonly name: string;
  readonly isThere: boolean;
  readonly rule: string;
}

/**
 * Of a machine that is off by modifyvm; of one that runs, as one
 * that was saved does before it can be changed, by controlvm.
 */
export async function changeForwards(
  context: DriverContext<VirtualBoxConfig>,
  changes: readonly Change[],
  how: 'off' | 'running',
): Promise<void> {
  const vm = vmOf(context);
  const command = how === 'off' ? ['modifyvm', vm, '--natpf1'] : ['controlvm', vm, 'natpf1'];
  for (const { name, isThere, rule } of changes) {
    if (isThere) await manage(context, [...command, 'delete', name], { patient: how === 'off' });
    await manage(context, [...command, rule], { patient: how === 'off' });
  }
}
