import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { Ports } from '../../../base/ports.ts';
import type { DriverContext } from '../../../sdk/context.ts';
import { labId, labNames } from '../container/names.ts';
import { nspawnError } from '../errors.ts';
import { ensureLab, readRoutes, removeLab } from './network.ts';
import { deleteLabRecord, type LabRecord, readLabRecord, writeLabRecord } from './network-record.ts';
import { chooseAddress, chooseSubnet, gatewayOf, isInSubnet } from './subnet.ts';

export interface Lease {
  readonly address: string;
  readonly gateway: string;
}

/** What addresses are leased with. */
export type LeaseContext = Ports & Pick<DriverContext, 'storeDir' | 'withLock'>;

/**
 * Gives a machine its address for life and makes the network it is in. The address is on disk before it is used; asked
 * again, the same one comes back. `wished` is the one the machine had, should the record have been lost.
 */
export async function leaseAddress(context: LeaseContext, machineId: string, wished: string): Promise<Lease> {
  const { storeDir } = context;
  return locked(context, async () => {
    const record = (await readLabRecord(storeDir)) ?? (await newRecord(context, wished));
    const address = record.leases[machineId] ?? pick(record, wished);
    if (address === undefined) {
      throw nspawnError('MM_NSPAWN_SUBNET', {
        message: `All 241 addresses of the machines' network ${record.subnet}.0/24 are taken`,
        hint: 'Remove a machine, or use another store (--storage-path).',
      });
    }
    await writeLabRecord(storeDir, { ...record, leases: { ...record.leases, [machineId]: address } });
    await ensureLab(context, storeDir, record);
    return { address, gateway: gatewayOf(record.subnet) };
  });
}

function pick(record: LabRecord, wished: string): string | undefined {
  const taken = Object.values(record.leases);
  return isInSubnet(record.subnet, wished) && !taken.includes(wished)
    ? wished
    : chooseAddress(record.subnet, taken);
}

/** A network that is up and called after this folder is that of a store which was moved away, unless a machine had an address. */
function newId(storeDir: string, wished: string): string {
  const own = labId(storeDir);
  const isAnothers = wished === '' && existsSync(`/sys/class/net/${labNames(own).link}`);
  return isAnothers ? labId(randomUUID()) : own;
}

async function newRecord(context: LeaseContext, wished: string): Promise<LabRecord> {
  const id = newId(context.storeDir, wished);
  const names = labNames(id);
  const routed = await readRoutes(context, names.link);
  const former = /^(10\.91\.\d{1,3})\.\d{1,3}$/.exec(wished)?.[1];
  const subnet = former ?? chooseSubnet(names.link, routed);
  if (subnet !== undefined) return { id, subnet, leases: {} };
  throw nspawnError('MM_NSPAWN_SUBNET', {
    message: 'This computer has routes to all of 10.91.0.0/16, where the machines have their networks',
    hint: 'Take the route down (a VPN, most likely) while machines are made. "ip route show 10.91.0.0/16" shows it.',
  });
}

/** Takes a machine's address back; the network goes with the store's last machine. */
export async function releaseAddress(context: LeaseContext, machineId: string): Promise<void> {
  const { storeDir } = context;
  await locked(context, async () => {
    const record = await readLabRecord(storeDir);
    const leases = Object.fromEntries(
      Object.entries(record?.leases ?? {}).filter(([id]) => id !== machineId),
    );
    if (record !== undefined && Object.keys(leases).length > 0) {
      await writeLabRecord(storeDir, { ...record, leases });
      return;
    }
    await removeLab(context, storeDir);
    await deleteLabRecord(storeDir);
  });
}

/** All networks and leases of this computer have one lock, which is held for a fraction of a second. */
function locked<T>({ withLock }: LeaseContext, work: () => Promise<T>): Promise<T> {
  return withLock('nspawn', work, { scope: 'computer', what: 'the networks of container machines' });
}
