import type { Ports } from '../../../base/ports.ts';
import { manage } from '../manage/manage.ts';
import { parseExtraData, parseVms } from '../manage/output.ts';

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
