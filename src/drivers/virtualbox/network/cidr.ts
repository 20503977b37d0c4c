import {
  contains as containsRange,
  formatIpv4,
  netmaskOfPrefix,
  overlaps,
  parseIpv4,
  parseIpv4Network,
  prefixOfNetmask,
} from '../../../base/ipv4.ts';

/** IPv4 networks as VirtualBox's host-only networks have them. */
export interface Cidr {
  /** The host's own address in the network. */
  readonly ip: string;
  readonly prefix: number;
  readonly netmask: string;
  /** `192.168.60.0/24`. */
  readonly network: string;
}

/** Reads the host's address in its network, `192.168.60.1/24`. */
export function parseCidr(text: string): Cidr | undefined {
  const [ip = '', bits = ''] = text.trim().split('/');
  const prefix = Number(bits);
  const range = parseIpv4Network(text.trim());
  if (range === undefined || prefix < 16 || prefix > 29) return undefined;
  if ([range.first, range.last].includes(parseIpv4(ip) ?? 0)) return undefined;
  const network = `${formatIpv4(range.first)}/${prefix}`;
  return { ip, prefix, netmask: netmaskOfPrefix(prefix), network };
}

/** The first and the last address that a host of the network can have. */
export function boundsOf({ network, prefix }: Cidr): { readonly lowest: string; readonly highest: string } {
  const base = parseIpv4Network(network)?.first ?? 0;
  return { lowest: formatIpv4(base + 1), highest: formatIpv4(base + 2 ** (32 - prefix) - 2) };
}

/** The network, `192.168.99.0/24`, of an address and its mask. */
export function networkOf(ip: string, netmask: string): string | undefined {
  return parseCidr(`${ip}/${prefixOfNetmask(netmask) ?? ''}`)?.network;
}

/** A network in two ranges: ours to give out for good, and a DHCP server's, as docker-machine's. */
export function addressPlan({ network, prefix, ip }: Cidr): {
  /** The lower part, without the host's own. */
  readonly fixed: readonly string[];
  readonly server: string;
  readonly dhcpLower: string;
  readonly dhcpUpper: string;
} {
  const base = parseIpv4Network(network)?.first ?? 0;
  const size = 2 ** (32 - prefix);
  // In a /24 that is .100 to .254.
  const begin = Math.ceil((size * 100) / 256);
  const lower = Array.from({ length: Math.min(begin - 1, 4096) }, (_, index) => formatIpv4(base + index + 1));
  const free = lower.filter((address) => address !== ip);
  // The host's own address may lie in the upper part. The longer side of it is given out.
  const [first, own, last] = [base + begin, parseIpv4(ip) ?? 0, base + size - 2];
  const isAbove = own < first || last - own >= own - first;
  return {
    fixed: free.slice(1),
    server: free[0] ?? '',
    dhcpLower: formatIpv4(isAbove ? Math.max(first, own + 1) : first),
    dhcpUpper: formatIpv4(isAbove ? last : own - 1),
  };
}

/** Whether two networks, such as `192.168.60.0/24`, have addresses in common. */
export function overlap(one: string, other: string): boolean {
  const [a, b] = [parseIpv4Network(one), parseIpv4Network(other)];
  return a !== undefined && b !== undefined && overlaps(a, b);
}

/** Whether all addresses of `inner` belong to `outer`. */
export function contains(outer: string, inner: string): boolean {
  const [a, b] = [parseIpv4Network(outer), parseIpv4Network(inner)];
  return a !== undefined && b !== undefined && containsRange(a, b);
}
