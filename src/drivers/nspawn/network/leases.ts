import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { Ports } from '../../../base/ports.ts';
import { labId, labNames } from '../container/names.ts';
import { nspawnError } from '../errors.ts';
import { exclusively, LAB_LOCK } from '../exclusively.ts';
import { ensureLab, readRoutes, removeLab } from './network.ts';
import { deleteLabRecord, type LabRecord, readLabRecord, writeLabRecord } from './network-record.ts';
import { chooseAddress, chooseSubnet, gatewayOf, isInSubnet } from './subnet.ts';

export interface Lease {
  readonly address: string;
  readonly gateway: string;
}

const LOCK_TIMEOUT_MS = 120_000;

/**
 * Gives a machine its address for life and makes the network it is in. The address is on disk before it is used; asked
 * again, the same one comes back. `wished` is the one the machine had, should the record have been lost.
 */
export async function leaseAddress(
  ports: Ports,
  storeDir: string,
  machineId: string,
  wished: string,
): Promise<Lease> {
  return locked(ports, 'giving a machine its address', async () => {
    const record = (await readLabRecord(storeDir)) ?? (await newRecord(ports, storeDir, wished));
    const address = record.leases[machineId] ?? pick(record, wished);
    if (address === undefined) {
      throw nspawnError('MM_NSPAWN_SUBNET', {
        message: `All 241 addresses of the machines' network ${record.subnet}.0/24 are taken`,
        hint: 'Remove a machine, or use another store (--storage-path).',
      });
    }
    await writeLabRecord(storeDir, { ...record, leases: { ...record.leases, [machineId]: address } });
    await ensureLab(ports, storeDir, record);
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

async function newRecord(ports: Ports, storeDir: string, wished: string): Promise<LabRecord> {
  const id = newId(storeDir, wished);
  const names = labNames(id);
  const routed = await readRoutes(ports, names.link);
  const former = /^(10\.91\.\d{1,3})\.\d{1,3}$/.exec(wished)?.[1];
  const subnet = former ?? chooseSubnet(names.link, routed);
  if (subnet !== undefined) return { id, subnet, leases: {} };
  throw nspawnError('MM_NSPAWN_SUBNET', {
    message: 'This computer has routes to all of 10.91.0.0/16, where the machines have their networks',
    hint: 'Take the route down (a VPN, most likely) while machines are made. "ip route show 10.91.0.0/16" shows it.',
  });
}

/** Takes a machine's address back; the network goes with the store's last machine. */
export async function releaseAddress(ports: Ports, storeDir: string, machineId: string): Promise<void> {
  await locked(ports, "taking a machine's address back", async () => {
    const record = await readLabRecord(storeDir);
    const leases = Object.fromEntries(
      Object.entries(record?.leases ?? {}).filter(([id]) => id !== machineId),
    );
    if (record !== undefined && Object.keys(leases).length > 0) {
      await writeLabRecord(storeDir, { ...record, leases });
      return;
    }
    await removeLab(ports, storeDir);
    await deleteLabRecord(storeDir);
  });
}

function locked<T>(ports: Ports, doing: string, work: () => Promise<T>): Promise<T> {
  return exclusively(ports, LAB_LOCK, { doing, timeoutMs: LOCK_TIMEOUT_MS }, work);
}
