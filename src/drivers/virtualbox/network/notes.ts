import { createHash } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import type { Ports } from '../../../base/ports.ts';
import { virtualboxError } from '../errors.ts';
import { manage } from '../manage/manage.ts';
import { parseExtraData, parseVms } from '../manage/output.ts';
import { addressPlan, type Cidr } from './cidr.ts';

/**
 * What mymachine keeps in VirtualBox's own configuration (its global extra data)
 * for all of a user's stores, since all of them share VirtualBox's networks:
 * whose address is whose, and which adapters and DHCP servers were made by us.
 */
const PREFIX = 'mymachine/';

export type NoteKind = 'address' | 'adapter' | 'dhcp';

/** Notes of a kind: what it is about (`192.168.60.5`, `vboxnet1`), and what is noted. */
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
 * An address in the host-only network that is the machine's for life: it does not
 * change with the order in which machines start, as those of DHCP do, so its
 * certificate stays valid. The caller holds the lock, and has made the machine in
 * VirtualBox already: addresses of machines that are gone are given out again.
 */
export async function takeAddress(ports: Ports, cidr: Cidr, machineId: string): Promise<string> {
  const taken = await notes(ports, 'address');
  const { fixed } = addressPlan(cidr);
  const own = [...taken].find(([ip, id]) => id === machineId && fixed.includes(ip));
  if (own !== undefined) return own[0];
  const alive = await vmIds(ports);
  const local = Object.values(networkInterfaces()).flatMap((all) =>
    (all ?? []).map(({ address }) => address),
  );
  const isFree = (ip: string) => !local.includes(ip) && !alive.has(taken.get(ip) ?? '');
  // Beginning somewhere else for each machine, so that the
  // address of one that was removed is not soon another's.
  const start = createHash('sha256').update(machineId).digest().readUInt32BE(0) % fixed.length;
  const address = [...fixed.slice(start), ...fixed.slice(0, start)].find(isFree);
  if (address === undefined) {
    throw virtualboxError('MM_VBOX_ADDRESSES', {
      message: `All ${fixed.length} addresses of ${cidr.network} belong to machines`,
      hint: 'Take another network with --virtualbox-hostonly-cidr, or none with --virtualbox-nat-only.',
    });
  }
  await writeNote(ports, 'address', address, machineId);
  return address;
}

export async function releaseAddresses(ports: Ports, machineId: string): Promise<void> {
  for (const [ip, id] of await notes(ports, 'address'))
    if (id === machineId) await deleteNote(ports, 'address', ip);
}
