import { type Ipv4Range, overlaps, parseIpv4Network } from '../../../base/ipv4.ts';
import { isObject } from '../../../base/json.ts';

/** The first three bytes of a /24: '10.91.7'. */
export type Subnet = string;

const FIRST_HOST = 10;
const LAST_HOST = 250;

/**
 * Destinations of `ip -json -4 route show table all`, without the routes of device `ownLink`.
 * The default route is left out, also in the two halves that VPNs make of it.
 */
export function routedRanges(json: string, ownLink: string): readonly Ipv4Range[] {
  const routes: unknown = JSON.parse(json === '' ? '[]' : json);
  if (!Array.isArray(routes)) return [];
  return routes.flatMap((route: unknown) => {
    if (!isObject(route) || route['dev'] === ownLink || typeof route['dst'] !== 'string') return [];
    const range = parseIpv4Network(route['dst']);
    return range === undefined || range.last - range.first >= 2 ** 31 - 1 ? [] : [range];
  });
}

export function isFree(subnet: Subnet, routed: readonly Ipv4Range[]): boolean {
  const own = parseIpv4Network(`${subnet}.0/24`);
  return own !== undefined && !routed.some((range) => overlaps(range, own));
}

/**
 * A /24 of 10.91.0.0/16 that nothing is routed to.
 * The search begins at another place for each store.
 * So stores whose networks are down rarely choose the same.
 */
export function chooseSubnet(seed: string, routed: readonly Ipv4Range[]): Subnet | undefined {
  const start = Number.parseInt(seed.slice(-2), 16) || 0;
  for (let step = 0; step < 256; step += 1) {
    const subnet = `10.91.${(start + step) % 256}`;
    if (isFree(subnet, routed)) return subnet;
  }
  return undefined;
}

/** The machines' gateway, and this computer as they see it. */
export const gatewayOf = (subnet: Subnet): string => `${subnet}.1`;
export const computerOf = (subnet: Subnet): string => `${subnet}.254`;

/** The lowest address of the subnet that no machine has. */
export function chooseAddress(subnet: Subnet, taken: Iterable<string>): string | undefined {
  const used = new Set(taken);
  for (let host = FIRST_HOST; host <= LAST_HOST; host += 1) {
    const address = `${subnet}.${host}`;
    if (!used.has(address)) return address;
  }
  return undefined;
}

/**
 * The hardware address that goes with an IP address, locally administered.
 * The machine that has the IP address next has it, too. So no neighbour table holds a wrong one.
 */
export function hardwareAddress(address: string): string {
  const bytes = address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'));
  return ['02', '6d', ...bytes].join(':');
}

export function isInSubnet(subnet: Subnet, address: string): boolean {
  const host = address.startsWith(`${subnet}.`) ? address.slice(subnet.length + 1) : '';
  return /^\d{1,3}$/.test(host) && Number(host) >= FIRST_HOST && Number(host) <= LAST_HOST;
}
