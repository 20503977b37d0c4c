import type { JsonObject } from '../../../base/json.ts';
import type { DriverContext } from '../../../sdk/context.ts';
import { writeGuestSeed } from '../../../sdk/guest.ts';
import { machineFiles, type VirtualBoxConfig } from '../config.ts';
import { cidrOf, usesDhcp } from '../network/network.ts';
import { attach } from './disk.ts';
import { hardwareOf, macOf } from './hardware.ts';

type Context = DriverContext<VirtualBoxConfig>;

export async function writeSeed(context: Context): Promise<void> {
  const { machine, config } = context;
  const files = machineFiles(machine.dir, config);
  const network = guestNetwork(config, machine.id);
  await writeGuestSeed(context, { files, network, userData: config.UserData ?? '' });
  await attach(context, hardwareOf(config).isoPort, 'dvddrive', files.seed);
}

/**
 * The guest's cards, known by their MAC addresses (cloud-init, network configuration version 2).
 */
export function guestNetwork(config: Readonly<VirtualBoxConfig>, id: string): JsonObject {
  const card = (number: 1 | 2 | 3, how: JsonObject) => ({
    match: { macaddress: macOf(id, number) },
    ...how,
  });
  const hostOnly: JsonObject = usesDhcp(config)
    ? { dhcp4: true, 'dhcp4-overrides': { 'use-routes': false, 'use-dns': false }, optional: true }
    : { addresses: [`${config.IPAddress}/${cidrOf(config).prefix}`], optional: true };
  return {
    version: 2,
    ethernets: {
      nat: card(1, { dhcp4: true }),
      ...(config.NatOnly === true ? {} : { hostonly: card(2, hostOnly) }),
      ...(config.BridgedInterface
        ? { bridged: card(3, { dhcp4: true, 'dhcp4-overrides': { 'route-metric': 2000 }, optional: true }) }
        : {}),
    },
  };
}
