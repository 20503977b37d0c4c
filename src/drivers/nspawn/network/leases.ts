import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolders, textIfAny, writeAtomic } from '../../../base/files.ts';
import { isObject } from '../../../base/json.ts';
import type { Ports } from '../../../base/ports.ts';
import type { DriverContext } from '../../../sdk/context.ts';
import { controlGroup, isPopulated, readHierarchies } from '../container/control-group.ts';
import { nspawnError } from '../errors.ts';
import {
  ensureNetwork,
  type NetworkNames,
  networkFolder,
  networkNames,
  readRoutes,
  removeNetwork,
} from './network.ts';
import { chooseAddress, chooseSubnet, gatewayOf, isInSubnet, type Subnet } from './subnet.ts';

/** In `<store>/nspawn/network.json`, as long as a machine has an address in the network. */
export interface NetworkRecord {
  /** Names the network. It is kept, since the store may be moved while the network is up. */
  readonly id: string;
  readonly subnet: Subnet;
  /** Addresses by machine id. */
  readonly leases: Readonly<Record<string, string>>;
}

export interface Lease {
  readonly address: string;
  readonly gateway: string;
}

/** What addresses are leased with. */
export type LeaseContext = Ports & Pick<DriverContext, 'storeDir' | 'withLock'>;

/** What is wrong with the network of machines that run, in a line. '' for nothing. */
export async function networkFault({ storeDir, machine }: DriverContext): Promise<string> {
  const { group } = await networkNamesOf(storeDir);
  if (await isPopulated(controlGroup(await readHierarchies(), group))) return '';
  return `its way to the Internet (slirp4netns) is gone: "mymachine start ${machine.name}" makes it again`;
}

/**
 * Gives a machine its address for life and makes the network that it is in.
 * The address is on disk before it is used. Asked again, the same one comes back.
 * @param wished the address that the machine had, should the record be lost; '' for none
 */
export async function leaseAddress(context: LeaseContext, machineId: string, wished: string): Promise<Lease> {
  const { storeDir } = context;
  return locked(context, async () => {
    const record = (await readNetworkRecord(storeDir)) ?? (await newRecord(context, wished));
    const address = record.leases[machineId] ?? pick(record, wished);
    if (address === undefined) {
      throw nspawnError('MM_NSPAWN_SUBNET', {
        message: `All 241 addresses of the machines' network ${record.subnet}.0/24 are taken`,
        hint: 'Remove a machine, or use another store (--storage-path).',
      });
    }
    await writeNetworkRecord(storeDir, { ...record, leases: { ...record.leases, [machineId]: address } });
    await ensureNetwork(context, storeDir, record);
    return { address, gateway: gatewayOf(record.subnet) };
  });
}

function pick(record: NetworkRecord, wished: string): string | undefined {
  const taken = Object.values(record.leases);
  return isInSubnet(record.subnet, wished) && !taken.includes(wished)
    ? wished
    : chooseAddress(record.subnet, taken);
}

/** Takes a machine's address back. The network goes with the store's last machine. */
export async function releaseAddress(context: LeaseContext, machineId: string): Promise<void> {
  const { storeDir } = context;
  await locked(context, async () => {
    const record = await readNetworkRecord(storeDir);
    const leases = Object.fromEntries(
      Object.entries(record?.leases ?? {}).filter(([id]) => id !== machineId),
    );
    if (record !== undefined && Object.keys(leases).length > 0) {
      await writeNetworkRecord(storeDir, { ...record, leases });
      return;
    }
    await removeNetwork(context, await networkNamesOf(storeDir));
    // The log of the uplink is in there, too.
    await rm(networkFolder(storeDir), { recursive: true, force: true });
  });
}

/** All networks and leases of this computer have one lock. It is held for a moment. */
function locked<T>({ withLock }: LeaseContext, work: () => Promise<T>): Promise<T> {
  return withLock('nspawn', work, { scope: 'computer', what: 'the networks of container machines' });
}

async function newRecord(context: LeaseContext, wished: string): Promise<NetworkRecord> {
  const id = newId(context.storeDir, wished);
  const { link } = networkNames(id);
  const routed = await readRoutes(context, link);
  const former = /^(10\.91\.\d{1,3})\.\d{1,3}$/.exec(wished)?.[1];
  const subnet = former ?? chooseSubnet(link, routed);
  if (subnet !== undefined) return { id, subnet, leases: {} };
  throw nspawnError('MM_NSPAWN_SUBNET', {
    message: 'This computer has routes to all of 10.91.0.0/16, where the machines have their networks',
    hint: 'Take the route down (a VPN, most likely) while machines are made. "ip route show 10.91.0.0/16" shows it.',
  });
}

/**
 * A network may be up under this folder's name although the folder has no record.
 * Then it is that of a store which was moved away, unless a machine here had an address.
 */
function newId(storeDir: string, wished: string): string {
  const own = networkId(storeDir);
  const isAnothers = wished === '' && existsSync(`/sys/class/net/${networkNames(own).link}`);
  return isAnothers ? networkId(randomUUID()) : own;
}

/** What a store's network is named after: its folder, while no other network is. */
export function networkId(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

/** Without a record, a store may have had a network under its folder's name. */
export async function networkNamesOf(storeDir: string): Promise<NetworkNames> {
  return networkNames((await readNetworkRecord(storeDir))?.id ?? networkId(storeDir));
}

const recordPath = (storeDir: string) => join(networkFolder(storeDir), 'network.json');

export async function readNetworkRecord(storeDir: string): Promise<NetworkRecord | undefined> {
  const text = await textIfAny(recordPath(storeDir));
  return parseNetworkRecord(text, networkId(storeDir));
}

export async function writeNetworkRecord(storeDir: string, record: NetworkRecord): Promise<void> {
  const path = recordPath(storeDir);
  await makeFolders(dirname(path), 0o700);
  await writeAtomic(path, `${JSON.stringify(record, null, 2)}\n`);
}

/**
 * undefined for what is no such record. Leases that make no sense in it are left out.
 * @param id for a record that has none
 */
export function parseNetworkRecord(text: string, id: string): NetworkRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isObject(value)) return undefined;
    const subnet = value['subnet'];
    if (typeof subnet !== 'string' || !/^10\.91\.\d{1,3}$/.test(subnet)) return undefined;
    const leases = isObject(value['leases']) ? value['leases'] : {};
    const sound = Object.entries(leases).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string' && isInSubnet(subnet, entry[1]),
    );
    const own = value['id'];
    const isId = typeof own === 'string' && /^[0-9a-f]{8}$/.test(own);
    return { id: isId ? own : id, subnet, leases: Object.fromEntries(sound) };
  } catch {
    return undefined;
  }
}
