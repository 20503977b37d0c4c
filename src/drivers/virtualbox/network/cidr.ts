/** IPv4 networks as VirtualBox's host-only networks have them. */
export interface Cidr {
  /** The host's own address in the network. */
  readonly ip: string;
  readonly prefix: number;
  readonly netmask: string;
  /** `192.168.60.0/24`. */
  readonly network: string;
}

/** `192.168.60.1/24`: an address of the host inside of a private network; undefined for anything else. */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^((?:\d{1,3}\.){3}\d{1,3})\/(\d{1,2})$/.exec(text.trim());
  const ip = toNumber(match?.[1] ?? '');
  const prefix = Number(match?.[2] ?? 99);
  if (ip === undefined || prefix < 16 || prefix > 29) return undefined;
  const size = 2 ** (32 - prefix);
  const within = ip % size;
  if (within === 0 || within === size - 1) return undefined;
  return {
    ip: toText(ip),
    prefix,
    netmask: toText(2 ** 32 - size),
    network: `${toText(ip - within)}/${prefix}`,
  };
}

/** The network of an address and its mask, `192.168.99.0/24`; undefined when they are none. */
export function networkOf(ip: string, netmask: string): string | undefined {
  const mask = toNumber(netmask);
  if (mask === undefined) return undefined;
  const prefix = 32 - Math.log2(2 ** 32 - mask);
  return parseCidr(`${ip}/${prefix}`)?.network;
}

/** Addresses of a network in two ranges: ours to give out for good, and below the end those of a DHCP server, as docker-machine had them. */
export function addressPlan({ network, prefix, ip }: Cidr): {
  /** The lower part, without the host's own. */
  readonly fixed: readonly string[];
  readonly server: string;
  readonly dhcpLower: string;
  readonly dhcpUpper: string;
} {
  const base = toNumber(network.split('/')[0] ?? '') ?? 0;
  const size = 2 ** (32 - prefix);
  // In a /24 that is .100 to .254.
  const begin = Math.ceil((size * 100) / 256);
  const lower = Array.from({ length: Math.min(begin - 1, 4096) }, (_, index) => toText(base + index + 1));
  const free = lower.filter((address) => address !== ip);
  return {
    fixed: free.slice(1),
    server: free[0] ?? '',
    dhcpLower: toText(base + begin),
    // The host may have the last address, as some routers do.
    dhcpUpper: toText(base + size - (ip === toText(base + size - 2) ? 3 : 2)),
  };
}

/** Whether two networks, such as `192.168.60.0/24`, have addresses in common. */
export function overlap(one: string, other: string): boolean {
  const [a, b] = [rangeOf(one), rangeOf(other)];
  return a !== undefined && b !== undefined && a.first <= b.last && b.first <= a.last;
}

/** Whether all addresses of `inner` are `outer`'s. */
export function contains(outer: string, inner: string): boolean {
  const [a, b] = [rangeOf(outer), rangeOf(inner)];
  return a !== undefined && b !== undefined && a.first <= b.first && b.last <= a.last;
}

function rangeOf(network: string): { readonly first: number; readonly last: number } | undefined {
  const match = /^((?:\d{1,3}\.){3}\d{1,3})\/(\d{1,2})$/.exec(network);
  const ip = toNumber(match?.[1] ?? '');
  const prefix = Number(match?.[2] ?? 99);
  if (ip === undefined || prefix > 32) return undefined;
  const size = 2 ** (32 - prefix);
  const first = ip - (ip % size);
  return { first, last: first + size - 1 };
}

function toNumber(ip: string): number | undefined {
  const parts = ip.split('.').map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : 999));
  if (parts.length !== 4 || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

function toText(ip: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(ip / 2 ** shift) % 256).join('.');
}
