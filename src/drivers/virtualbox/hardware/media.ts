import { relative } from 'node:path';
import type { Ports } from '../../../base/ports.ts';
import { manage } from '../manage/manage.ts';
import { parseRecords } from '../manage/output.ts';

export interface Medium {
  readonly kind: 'disk' | 'dvd';
  readonly uuid: string;
  readonly location: string;
}

/** All disks and ISO images that VirtualBox has open. */
export async function mediaOf(ports: Ports): Promise<readonly Medium[]> {
  const listOf = async (list: 'hdds' | 'dvds', kind: Medium['kind']) =>
    parseRecords(await manage(ports, ['list', list]), 'UUID').map((record) => ({
      kind,
      uuid: record.get('UUID') ?? '',
      location: record.get('Location') ?? '',
    }));
  return [...(await listOf('hdds', 'disk')), ...(await listOf('dvds', 'dvd'))];
}

export function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '' && !way.startsWith('..') && way !== path;
}
