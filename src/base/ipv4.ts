import ipaddr from 'ipaddr.js';

/** IPv4 addresses from `first` to `last`, both included, as numbers. */
export interface Ipv4Range {
  readonly first: number;
  readonly last: number;
}

/** The number of `192.0.2.1`; undefined for any other notation. */
export function parseIpv4(text: string): number | undefined {
  if (!ipaddr.IPv4.isValidFourPartDecimal(text)) return undefined;
  return Buffer.from(ipaddr.IPv4.parse(text).toByteArray()).readUInt32BE();
}

export function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}

/** All addresses of `192.0.2.0/24`, or of a single address. Bits behind the prefix are ignored. */
export function parseIpv4Network(text: string): Ipv4Range | undefined {
  const network = text.includes('/') ? text : `${text}/32`;
  if (!ipaddr.IPv4.isValidCIDRFourPartDecimal(network)) return undefined;
  const number = (address: ipaddr.IPv4) => parseIpv4(address.toString()) ?? 0;
  return {
    first: number(ipaddr.IPv4.networkAddressFromCIDR(network)),
    last: number(ipaddr.IPv4.broadcastAddressFromCIDR(network)),
  };
}

/** The prefix length of `255.255.255.0`, which is 24; undefined for what is no netmask. */
export function prefixOfNetmask(netmask: string): number | undefined {
  if (parseIpv4(netmask) === undefined) return undefined;
  return ipaddr.IPv4.parse(netmask).prefixLengthFromSubnetMask() ?? undefined;
}

export const netmaskOfPrefix = (prefix: number): string =>
  ipaddr.IPv4.subnetMaskFromPrefixLength(prefix).toString();

export function overlaps(one: Ipv4Range, other: Ipv4Range): boolean {
  return one.first <= other.last && other.first <= one.last;
}

/** Whether all addresses of `inner` belong to `outer`. */
export function contains(outer: Ipv4Range, inner: Ipv4Range): boolean {
  return outer.first <= inner.first && inner.last <= outer.last;
}
