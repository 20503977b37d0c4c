import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeAtomic } from '../../../base/files.ts';
import { isObject } from '../../../base/json.ts';
import { type LabNames, labId, labNames } from '../container/names.ts';
import { isInSubnet, type Subnet } from './subnet.ts';

/** The network of a store: `<store>/nspawn/network.json`. It is there as long as a machine has an address in it. */
export interface LabRecord {
  /** What the network is called after. Kept, because the store may be moved while the network is up. */
  readonly id: string;
  readonly subnet: Subnet;
  /** Addresses by machine id. */
  readonly leases: Readonly<Record<string, string>>;
}

export function labFolder(storeDir: string): string {
  return join(storeDir, 'nspawn');
}

const recordPath = (storeDir: string) => join(labFolder(storeDir), 'network.json');

/** undefined for what is no such record, and without the leases that make no sense in it. `id` for one that names none. */
export function parseLabRecord(text: string, id: string): LabRecord | undefined {
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

export async function readLabRecord(storeDir: string): Promise<LabRecord | undefined> {
  return parseLabRecord(await readFile(recordPath(storeDir), 'utf8').catch(() => ''), labId(storeDir));
}

/** The names of a store's network, or of the one that a store without a record once had. */
export async function labOf(storeDir: string): Promise<LabNames> {
  return labNames((await readLabRecord(storeDir))?.id ?? labId(storeDir));
}

export async function writeLabRecord(storeDir: string, record: LabRecord): Promise<void> {
  const path = recordPath(storeDir);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeAtomic(path, `${JSON.stringify(record, null, 2)}\n`);
}

/** Deletes the lab's folder with its log. */
export async function deleteLabRecord(storeDir: string): Promise<void> {
  await rm(labFolder(storeDir), { recursive: true, force: true });
}
