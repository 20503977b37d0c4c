import type { VirtualBoxTestbed } from '../../testbed/virtualbox/testbed.ts';

/**
 * All that a machine can leave in VirtualBox: machines, disks,
 * ISO images, networks, DHCP servers, and notes of ours.
 */
export async function virtualBoxState(vbox: VirtualBoxTestbed): Promise<string> {
  const said: string[] = [];
  for (const list of ['vms', 'hdds', 'dvds', 'hostonlyifs', 'dhcpservers'])
    said.push(`${list}:\n${await vbox.must(['list', list])}`);
  said.push(`extra data:\n${await vbox.must(['getextradata', 'global', 'enumerate'])}`);
  return said.join('\n');
}
