import { readFile } from 'node:fs/promises';
import type { Driver, DriverContext } from '../../sdk/driver.ts';
import { virtualboxAvailability } from './availability.ts';
import { bootMachine, gone } from './boot.ts';
import { configureVirtualBox, isBoot2Docker, machineFiles, type VirtualBoxConfig } from './config.ts';
import { createMachine } from './create.ts';
import { virtualboxFlags } from './flags.ts';
import { stateOf, vmInfo } from './manage/vm.ts';
import { leasedAddress } from './network/lease.ts';
import { usesDhcp } from './network/network.ts';
import { precheckVirtualBox } from './precheck.ts';
import { removeMachine } from './remove.ts';
import { killMachine, stopMachine } from './stop.ts';

type Context = DriverContext<VirtualBoxConfig>;

/** A fixed address is on record; one by DHCP is asked for, and what was last known is better than none. */
async function addressOf(context: Context): Promise<string> {
  const { config } = context;
  if (config.NatOnly === true || !usesDhcp(config)) return config.IPAddress;
  return (await leasedAddress(context)) ?? config.IPAddress;
}

/** Virtual machines of this computer by VirtualBox 6.1 to 7.2. */
export const virtualboxDriver: Driver<VirtualBoxConfig> = {
  name: 'virtualbox',
  summary: 'a virtual machine on this computer, by VirtualBox',
  flags: virtualboxFlags,
  capabilities: { ssh: true, provision: true, adopted: false, hostKeyKnown: true },
  availability: virtualboxAvailability,
  configure: configureVirtualBox,
  precheck: precheckVirtualBox,
  create: createMachine,
  state: async (context) => {
    const info = await vmInfo(context);
    if (info === undefined) throw gone(context);
    return stateOf(info);
  },
  address: addressOf,
  engineUrl: async (context) => {
    const { NatOnly, EnginePort } = context.config;
    if (NatOnly === true) return EnginePort ? `tcp://127.0.0.1:${EnginePort}` : '';
    const address = await addressOf(context);
    return address === '' ? '' : `tcp://${address}:2376`;
  },
  sans: () => ['127.0.0.1', 'localhost'],
  hostKeys: async ({ machine, config }) =>
    isBoot2Docker(config)
      ? []
      : [(await readFile(`${machineFiles(machine.dir, config).hostKey}.pub`, 'utf8')).trim()],
  makesOwnHostKeys: isBoot2Docker,
  endpoint: async ({ config }) => ({
    host: '127.0.0.1',
    port: config.SSHPort,
    user: config.SSHUser,
    keyPath: config.SSHKeyPath,
  }),
  start: bootMachine,
  stop: stopMachine,
  kill: killMachine,
  restart: async (context) => {
    await stopMachine(context);
    await bootMachine(context);
  },
  remove: removeMachine,
};
