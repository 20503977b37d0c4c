import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { messageOf } from '../../../base/machine-error.ts';
import type { Ports } from '../../../base/ports.ts';
import type { DriverContext } from '../../../sdk/context.ts';
import type { VirtualBoxConfig } from '../config.ts';
import { virtualboxError } from '../errors.ts';
import { manage, type VmInfo, vmOf } from '../manage/manage.ts';
import { parseExtraData, parseLease, parseRecords, parseValue, parseVms } from '../manage/output.ts';
import { addressPlan, type Cidr, contains, networkOf, parseCidr } from './cidr.ts';
import { Claims } from './claims.ts';

/**
 * Notes lie in VirtualBox's global extra data, since all of a user's stores share its networks.
 * They tell whose an address is, and which adapters and DHCP servers we made.
 */
const PREFIX = 'mymachine/';

type NoteKind = 'address' | 'adapter' | 'dhcp';

/** Notes of a kind, by what they are about: `192.168.60.5`, `vboxnet1`. */
export async function notes(ports: Ports, kind: NoteKind): Promise<ReadonlyMap<string, string>> {
  const all = parseExtraData(await manage(ports, ['getextradata', 'global', 'enumerate']));
  const prefix = `${PREFIX}${kind}/`;
  return new Map(
    [...all].flatMap(([key, value]) =>
      key.startsWith(prefix) && value !== '' ? [[key.slice(prefix.length), value] as const] : [],
    ),
  );
}

export async function writeNote(ports: Ports, kind: NoteKind, about: string, value: string): Promise<void> {
  await manage(ports, ['setextradata', 'global', `${PREFIX}${kind}/${about}`, value]);
}

export async function deleteNote(ports: Ports, kind: NoteKind, about: string): Promise<void> {
  await manage(ports, ['setextradata', 'global', `${PREFIX}${kind}/${about}`]);
}

export async function vmIds(ports: Ports): Promise<ReadonlySet<string>> {
  return new Set(parseVms(await manage(ports, ['list', 'vms'])).map(({ uuid }) => uuid));
}

/**
 * Gives the machine an address in the host-only network for life, so its certificate stays valid.
 * The caller holds the lock, and has made the machine: one that is gone loses its address.
 */
export async function takeAddress(
  ports: Ports,
  cidr: Cidr,
  machineId: string,
  claims: Claims = new Claims(ports),
): Promise<string> {
  const taken = await notes(ports, 'address');
  const { fixed } = addressPlan(cidr);
  const own = [...taken].find(([ip, id]) => id === machineId && fixed.includes(ip));
  if (own !== undefined && (await claims.take(own[0]))) return own[0];
  const alive = await vmIds(ports);
  const local = Object.values(networkInterfaces()).flatMap((all) =>
    (all ?? []).map(({ address }) => address),
  );
  const isFree = (ip: string) => !local.includes(ip) && !alive.has(taken.get(ip) ?? '');
  // Each begins elsewhere, so that the address of a removed one is not soon another's.
  const start = createHash('sha256').update(machineId).digest().readUInt32BE(0) % fixed.length;
  for (const address of [...fixed.slice(start), ...fixed.slice(0, start)]) {
    if (!isFree(address) || !(await claims.take(address))) continue;
    if (own !== undefined) await deleteNote(ports, 'address', own[0]);
    await writeNote(ports, 'address', address, machineId);
    return address;
  }
  throw virtualboxError('MM_VBOX_ADDRESSES', {
    message: `All ${fixed.length} addresses of ${cidr.network} belong to machines`,
    hint: 'Take another network with --virtualbox-hostonly-cidr, or none with --virtualbox-nat-only.',
  });
}

export async function releaseAddresses(
  ports: Ports,
  machineId: string,
  claims: Claims = new Claims(ports),
): Promise<void> {
  for (const [ip, id] of await notes(ports, 'address')) {
    if (id !== machineId) continue;
    await deleteNote(ports, 'address', ip);
    await claims.release(ip);
  }
}

/** Refuses to start a machine whose fixed address another user of this computer has now. */
export async function keepAddress(
  { machine, config, ...ports }: Ports & Pick<DriverContext<VirtualBoxConfig>, 'machine' | 'config'>,
  claims: Claims = new Claims(ports),
): Promise<void> {
  if (await claims.take(config.IPAddress)) return;
  throw virtualboxError('MM_VBOX_ADDRESS_TAKEN', {
    message: `Another user of this computer has a machine with the address ${config.IPAddress} of "${machine.name}"`,
    hint: `Remove one of the two and create it again, with a --virtualbox-hostonly-cidr of its own.`,
  });
}

const dhcpClaim = ({ network }: Cidr): string => `dhcp-${network.replace(/\/.*$/, '')}`;

/** Each user has DHCP servers of his own. Two in a network would give out the same addresses. */
export async function claimDhcp(ports: Ports, cidr: Cidr, claims: Claims = new Claims(ports)): Promise<void> {
  if (await claims.take(dhcpClaim(cidr))) return;
  throw virtualboxError('MM_VBOX_ADDRESS_TAKEN', {
    message: `Another user of this computer gives out addresses in ${cidr.network} by DHCP`,
    hint: 'Take another network with --virtualbox-hostonly-cidr, or a fixed address without --virtualbox-hostonly-dhcp.',
  });
}

export const releaseDhcp = (ports: Ports, cidr: Cidr): Promise<void> =>
  new Claims(ports).release(dhcpClaim(cidr));

/** No server was there before ours. */
const NONE = 'none';

async function serverOf(ports: Ports, networkName: string): Promise<ReadonlyMap<string, string> | undefined> {
  const servers = parseRecords(await manage(ports, ['list', 'dhcpservers']), 'NetworkName');
  return servers.find((server) => server.get('NetworkName') === networkName);
}

const settings = (ip: string, mask: string, lower: string, upper: string): readonly string[] => [
  ...['--ip', ip, '--netmask', mask, '--lowerip', lower, '--upperip', upper],
];

/**
 * Sees that VirtualBox's DHCP server gives out addresses of the network.
 * `restoreDhcp` brings back the one before: a fresh VirtualBox has one for its first adapter.
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
  const change = (verb: string, state: string) =>
    manage(ports, ['dhcpserver', verb, '--netname', networkName, ...wanted, state]);
  if (server === undefined) return void (await change('add', '--enable'));
  // Enabled is what serves the new addresses: one that was cut off here begins again. Disabled, a
  // restart ends the server, which the machine's start brings back.
  await change('modify', '--disable');
  await restart(ports, networkName);
  await change('modify', '--enable');
}

/** A server that runs keeps the addresses that it began with. */
async function restart(ports: Ports, networkName: string): Promise<void> {
  try {
    await manage(ports, ['dhcpserver', 'restart', '--netname', networkName]);
  } catch (error) {
    if (!/: not running\b/.test(messageOf(error))) throw error;
  }
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
    await restart(ports, networkName);
  }
  await deleteNote(ports, 'dhcp', networkName);
}

/** The machine's address by DHCP, if its server or the Guest Additions know it. */
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
  if (mac !== undefined && info?.get('hostonly-network2') !== undefined) {
    const text = await readFile(BOOTP_LEASES, 'utf8').catch(() => '');
    const { name } = context.machine;
    const network = parseCidr(context.config.HostOnlyCIDR)?.network ?? '';
    const lease = parseBootpLeases(text, { network, mac, name });
    if (lease !== undefined) return lease;
  }
  const property = '/VirtualBox/GuestInfo/Net/1/V4/IP';
  const value = parseValue(
    await manage(context, ['guestproperty', 'get', vmOf(context), property]).catch(() => ''),
  );
  return value !== undefined && /^\d{1,3}(?:\.\d{1,3}){3}$/.test(value) ? value : undefined;
}

/** Of macOS's bootpd, which serves the networks of vmnet. */
const BOOTP_LEASES = '/var/db/dhcpd_leases';

/**
 * The latest lease in the network of a MAC address, or of a name, which some guests alone tell.
 * bootpd writes `{ name=NAME ip_address=IP hw_address=1,8:0:27:a:b:c lease=0xSECONDS }`.
 */
export function parseBootpLeases(
  text: string,
  wanted: { readonly network: string; readonly mac: string; readonly name: string },
): string | undefined {
  const bytes = wanted.mac.match(/../g) ?? [];
  const hardware = `1,${bytes.map((byte) => Number.parseInt(byte, 16).toString(16)).join(':')}`;
  const leases = (text.match(/\{[^{}]*\}/g) ?? [])
    .map(
      (block) => new Map([...block.matchAll(/^\s*(\w+)=(.*?)\s*$/gm)].map(([, key, value]) => [key, value])),
    )
    .filter((lease) => contains(wanted.network, `${lease.get('ip_address')}/32`))
    .sort((one, other) => Number(other.get('lease')) - Number(one.get('lease')));
  const found =
    leases.find((lease) => lease.get('hw_address') === hardware) ??
    leases.find((lease) => lease.get('name') === wanted.name);
  return found?.get('ip_address');
}
