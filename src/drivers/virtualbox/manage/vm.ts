import { isMachineError } from '../../../base/machine-error.ts';
import type { DriverContext } from '../../../sdk/context.ts';
import type { MachineState } from '../../../sdk/driver.ts';
import { isOurs, type VirtualBoxConfig } from '../config.ts';
import { manage } from './manage.ts';
import { parseVmInfo } from './output.ts';

/** What of a context names the machine in VirtualBox. */
type VmContext = Pick<
  DriverContext<VirtualBoxConfig>,
  'clock' | 'report' | 'programs' | 'signal' | 'machine' | 'config'
>;

/** `showvminfo --machinereadable` as its keys and values. */
export type VmInfo = ReadonlyMap<string, string>;

/**
 * How VirtualBox calls the machine: ours have the machine's
 * id as UUID, docker-machine's are known by their name alone.
 */
export function vmOf({ machine, config }: VmContext): string {
  return isOurs(config) ? machine.id : machine.name;
}

/** What VirtualBox knows of the machine, or undefined when it knows none. */
export async function vmInfo(context: VmContext): Promise<VmInfo | undefined> {
  try {
    return parseVmInfo(await manage(context, ['showvminfo', vmOf(context), '--machinereadable']));
  } catch (error) {
    if (isMachineError(error, 'MM_VBOX_GONE')) return undefined;
    throw error;
  }
}

/** VirtualBox's states (MachineState in its SDK reference) in docker-machine's words. */
const STATES: Readonly<Record<string, MachineState>> = {
  running: 'Running',
  paused: 'Paused',
  saved: 'Saved',
  'aborted-saved': 'Saved',
  poweroff: 'Stopped',
  aborted: 'Stopped',
  teleported: 'Stopped',
  starting: 'Starting',
  restoring: 'Starting',
  settingup: 'Starting',
  stopping: 'Stopping',
  saving: 'Stopping',
  gurumeditation: 'Error',
  stuck: 'Error',
};

export function stateOf(info: VmInfo): MachineState {
  const word = info.get('VMState') ?? '';
  // While snapshots are taken or disks merged the machine runs on.
  return (
    STATES[word] ??
    (/^(?:livesnapshotting|onlinesnapshotting|deletingsnapshotlive)/.test(word) ? 'Running' : 'None')
  );
}
