import type { Ports } from '../../../base/ports.ts';
import type { DriverContext } from '../../../sdk/context.ts';
import type { VirtualBoxConfig } from '../config.ts';
import { manage } from '../manage/manage.ts';
import { parseLease, parseRecords, parseValue } from '../manage/output.ts';
import { type VmInfo, vmOf } from '../manage/vm.ts';
import { addressPlan, type Cidr, contains, networkOf } from './cidr.ts';
import { deleteNote, notes, writeNote } from './notes.ts';

/** No server was there before ours. */
const NONE = 'none';

async function serverOf(ports: Ports, networkName: string): Promise<ReadonlyMap<string, string> | undefined> {
  const servers = parseRecords(await manage(ports, ['list', 'dhcpservers']), 'NetworkName');
  return servers.find((server) => server.get('NetworkName') === networkName);
}

const settings = (ip: string, mask: string, lower: string, upper: string): readonly string[] => [
  '--ip',
  ip,
  '--netmask',
  mask,
  '--lowerip',
  lower,
  '--upperip',
  upper,
];

/**
 * Sees that VirtualBox's DHCP server gives out addresses of the network. What was
 * there before is noted, and comes back with `restoreDhcp`: a fresh VirtualBox
 * has a server for its first adapter, with addresses of another network.
 */
export async function ensureDhcp(ports: Ports, networkName: string, cidr: Cidr): Promise<void> {
  const server = await serverOf(ports, networkName);
  const value = (key: string) => server?.get(key) ?? '';
  const mask = value('NetworkMask');
  const fits = ['Dhcpd IP', 'LowerIPAddress', 'UpperIPAddress'].every((key) =>
    contains(cidr.network, networkOf(value(key), mask) ?? ''),
  );
  if (fits && value('Enabled') === 'Yes') return;
  if (!(await notes(ports, 'dhcp')).has(networkName)) {
    const keys = ['Dhcpd IP', 'NetworkMask', 'LowerIPAddress', 'UpperIPAddress', 'Enabled'];
    await writeNote(ports, 'dhcp', networkName, server === undefined ? NONE : keys.map(value).join(' '));
  }
  const plan = addressPlan(cidr);
  const wanted = settings(plan.server, cidr.netmask, plan.dhcpLower, plan.dhcpUpper);
  const verb = server === undefined ? 'add' : 'modify';
  await manage(ports, ['dhcpserver', verb, '--netname', networkName, ...wanted, '--enable']);
}

/** The server as it was before `ensureDhcp`. */
export async function restoreDhcp(ports: Ports, networkName: string): Promise<void> {
  const before = (await notes(ports, 'dhcp')).get(networkName);
  if (before === undefined) return;
  const isThere = (await serverOf(ports, networkName)) !== undefined;
  const [ip = '', mask = '', lower = '', upper = '', enabled = ''] = before.split(' ');
  if (isThere && before === NONE) await manage(ports, ['dhcpserver', 'remove', '--netname', networkName]);
  if (isThere && before !== NONE) {
    const state = enabled === 'Yes' ? '--enable' : '--disable';
    const old = settings(ip, mask, lower, upper);
    await manage(ports, ['dhcpserver', 'modify', '--netname', networkName, ...old, state]);
  }
  await deleteNote(ports, 'dhcp', networkName);
}

/**
 * The address that a machine got by DHCP, as its server or
 * the Guest Additions say; undefined when neither knows.
 */
export async function leasedAddress(
  context: DriverContext<VirtualBoxConfig>,
  info: VmInfo | undefined,
): Promise<string | undefined> {
  const mac = info?.get('macaddress2');
  const adapter = info?.get('hostonlyadapter2');
  if (mac !== undefined && adapter !== undefined) {
    const netname = `HostInterfaceNetworking-${adapter}`;
    const args = ['dhcpserver', 'findlease', '--netname', netname, '--mac-address', mac];
    const lease = parseLease(await manage(context, args).catch(() => ''));
    if (lease !== undefined) return lease;
  }
  const property = '/VirtualBox/GuestInfo/Net/1/V4/IP';
  const value = parseValue(
    await manage(context, ['guestproperty', 'get', vmOf(context), property]).catch(() => ''),
  );
  return value !== undefined && /^\d{1,3}(?:\.\d{1,3}){3}$/.test(value) ? value : undefined;
}
