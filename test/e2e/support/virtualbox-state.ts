import type { VirtualBoxBed } from '../../testbed/virtualbox/bed.ts';

/** All that a machine can leave in VirtualBox: machines, disks, ISO images, networks, DHCP servers, and notes of ours. */
export async function virtualBoxState(bed: VirtualBoxBed): Promise<string> {
  const said: string[] = [];
  for (const list of ['vms', 'hdds', 'dvds', 'hostonlyifs', 'dhcpservers'])
    said.push(`${list}:\n${await bed.must(['list', list])}`);
  said.push(`extra data:\n${await bed.must(['getextradata', 'global', 'enumerate'])}`);
  return said.join('\n');
}
