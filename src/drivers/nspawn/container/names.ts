import { createHash } from 'node:crypto';

function digest(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length);
}

/**
 * systemd-nspawn's name of a machine, also of its control group. From the id, so that machines of one name in two stores
 * do not meet. With "vb-" before it it is a network interface, whose names end at 15 characters.
 */
export function unitName(machineId: string): string {
  return `m${digest(machineId, 10)}`;
}

export interface LabNames {
  /** `ip netns` name. */
  readonly netns: string;
  /** The computer's own end of the cable to the machines. */
  readonly link: string;
  /** Control group of the lab's own processes. */
  readonly group: string;
}

/** What a store's network is called after: by its folder, as long as nothing else is, see LabRecord. */
export function labId(text: string): string {
  return digest(text, 8);
}

/** The names of a network, of its id. */
export function labNames(id: string): LabNames {
  return { netns: `mymachine-${id}`, link: `mm${id}`, group: `lab-${id}` };
}

/** systemd's rule for host names: labels of letters, digits and inner hyphens, 63 characters with the dots. */
export function isHostName(name: string): boolean {
  const label = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?$/;
  return name.length <= 63 && name.split('.').every((part) => label.test(part));
}
