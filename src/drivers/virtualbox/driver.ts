import { readEnd } from '../../base/files.ts';
import { isMachineError } from '../../base/machine-error.ts';
import type { Ports } from '../../base/ports.ts';
import type { DriverContext } from '../../sdk/context.ts';
import {
  type Availability,
  DRIVER_API,
  type Driver,
  type HostDriver,
  type HostStatus,
} from '../../sdk/driver.ts';
import { forwardedTraits, readPublicKey } from '../../sdk/guest.ts';
import { bootMachine, gone, killMachine, stopMachine } from './boot.ts';
import {
  checkVirtualBox,
  configureVirtualBox,
  isBoot2Docker,
  machineFiles,
  type VirtualBoxConfig,
} from './config.ts';
import { createMachine } from './create.ts';
import { virtualboxFlags } from './flags.ts';
import { mountsOf } from './hardware/share.ts';
import { howToInstall, howToLoadModule } from './manage/explain.ts';
import { checkVersion, kvmObstacle, versionOf, whatIsMissing } from './manage/host-support.ts';
import { FOLDER_VARIABLES, findManage, stateOf, type VmInfo, vmInfo } from './manage/manage.ts';
import { leasedAddress } from './network/addresses.ts';
import { usesDhcp } from './network/network.ts';
import { precheckVirtualBox } from './precheck.ts';
import { removeMachine } from './remove.ts';

type Context = DriverContext<VirtualBoxConfig>;

/** A fixed address is on record. One by DHCP is asked for; else the last one that was known. */
async function addressOf(context: Context, info: VmInfo): Promise<string> {
  const { config } = context;
  if (config.NatOnly === true || !usesDhcp(config)) return config.IPAddress;
  return (await leasedAddress(context, info)) ?? config.IPAddress;
}

async function statusOf(context: Context): Promise<HostStatus> {
  const info = await vmInfo(context);
  if (info === undefined) throw gone(context);
  const { NatOnly, EnginePort } = context.config;
  const seen = { state: stateOf(info), address: await addressOf(context, info) };
  if (NatOnly !== true) return seen;
  return { ...seen, engineUrl: EnginePort ? `tcp://127.0.0.1:${EnginePort}` : '' };
}

const host: HostDriver<VirtualBoxConfig> = {
  precheck: precheckVirtualBox,
  create: createMachine,
  status: statusOf,
  power: { start: bootMachine, stop: stopMachine, kill: killMachine },
  remove: removeMachine,
  hostKeys: async ({ machine, config }) => [await readPublicKey(machineFiles(machine.dir, config).hostKey)],
  explain: ({ machine, config }) => readEnd(machineFiles(machine.dir, config).serial),
};

/** Virtual machines of this computer by VirtualBox 6.1 to 7.2. */
export const virtualboxDriver: Driver<VirtualBoxConfig> = {
  api: DRIVER_API,
  name: 'virtualbox',
  summary: 'a virtual machine on this computer, by VirtualBox',
  flags: virtualboxFlags,
  environment: FOLDER_VARIABLES.map((name) => ({
    name,
    meaning: 'Folder of VBoxManage where PATH has none',
  })),
  traits: {
    ...forwardedTraits,
    mounts: mountsOf,
    hostKey: (config) => (isBoot2Docker(config) ? 'first-use' : 'pinned'),
  },
  availability: virtualboxAvailability,
  configure: configureVirtualBox,
  check: checkVirtualBox,
  load: async () => host,
};

/** Who has installed VirtualBox is likely to want it. docker-machine left machines there. */
const SCORE = 90;

async function virtualboxAvailability(ports: Ports): Promise<Availability> {
  if ((await findManage(ports.programs)) === undefined)
    return { works: false, why: 'not installed', fix: howToInstall() };
  try {
    const version = await versionOf(ports);
    checkVersion(version);
    const missing = await whatIsMissing(ports);
    if (missing === 'module')
      return { works: false, why: 'its kernel module is not loaded', fix: howToLoadModule() };
    if (missing === 'virtualisation')
      return { works: false, why: "the processor's virtualisation is off or missing" };
    const obstacle = await kvmObstacle(version);
    if (obstacle !== undefined) return { works: false, ...obstacle };
    return {
      works: true,
      score: SCORE,
      how: `VirtualBox ${version.major}.${version.minor}.${version.patch}`,
    };
  } catch (error) {
    if (!isMachineError(error)) throw error;
    return { works: false, why: error.message, ...(error.hint === undefined ? {} : { fix: error.hint }) };
  }
}
