import { isIP } from 'node:net';

/** A host name or address with or without a port, as dockerd takes a registry. */
const REGISTRY = /^(?:[a-z0-9](?:[\w.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/i;

/** Those of dockerd, old ones too, and snapshotters that are known for containerd. */
const STORAGE_DRIVERS: ReadonlySet<string> = new Set(
  `overlay2 overlayfs fuse-overlayfs btrfs zfs vfs native aufs devicemapper overlay blockfile devmapper
  erofs nydus overlaybd soci stargz`.split(/\s+/),
);

const isNetwork = (text: string, family = 0) => {
  const [address = '', bits = '', ...more] = text.split('/');
  const most = isIP(address) === 4 ? 32 : 128;
  const isOfFamily = family === 0 ? isIP(address) !== 0 : isIP(address) === family;
  return isOfFamily && more.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= most;
};

function isMirror(text: string): boolean {
  const url = /^https?:\/\/\S+$/i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && [url.username, url.password, url.search, url.hash].every((part) => part === '');
}

function isRegistry(text: string): boolean {
  const name = text.replace(/^https?:\/\//i, '');
  const port = REGISTRY.exec(name);
  return isNetwork(name) || isIP(name) !== 0 || (port !== null && Number(port[1] ?? 0) <= 65_535);
}

type Rule = readonly [holds: (value: string) => boolean, otherwise: string];

const address: Rule = [(text) => isIP(text) !== 0, 'it takes an address'];
const network = (family: 4 | 6): Rule => [
  (text) => isNetwork(text, family),
  `it takes an IPv${family} address with its prefix, such as ${family === 4 ? '10.0.0.1/24' : '2001:db8::1/64'}`,
];
const pair: Rule = [(text) => /^[^=]+=/.test(text), 'its value must read KEY=VALUE'];
const count: Rule = [(text) => !text.startsWith('-'), 'it takes no number below 0'];

/** What dockerd refuses at its start, by option. The others are left to it. */
const RULES: Readonly<Record<string, Rule>> = {
  'registry-mirror': [isMirror, 'it must read https://HOST[:PORT][/PATH]'],
  'insecure-registry': [isRegistry, 'it must read HOST[:PORT] or ADDRESS/BITS'],
  'storage-driver': [
    (text) => STORAGE_DRIVERS.has(text) || /^\w[\w.-]*\/[\w./:-]+$/.test(text),
    'no engine knows it',
  ],
  'log-level': [(text) => /^(?:debug|info|warn|error|fatal|panic|trace)$/.test(text), 'it is no level'],
  label: pair,
  'exec-opt': pair,
  'storage-opt': pair,
  dns: address,
  ip: address,
  'default-gateway': address,
  'default-gateway-v6': address,
  bip: network(4),
  'fixed-cidr': network(4),
  bip6: network(6),
  'fixed-cidr-v6': network(6),
  mtu: count,
  'max-concurrent-downloads': count,
  'max-concurrent-uploads': count,
  'max-download-attempts': count,
  'metrics-addr': [(text) => /^(?:\[[\da-f:.]+\]|[^:]*):\d{1,5}$/i.test(text), 'it takes ADDRESS:PORT'],
  'default-ulimit': [(text) => /^\w+=-?\d+(?::-?\d+)?$/.test(text), 'it must read NAME=SOFT[:HARD]'],
  'default-address-pool': [
    (text) => isNetwork(/(?:^|,)base=([^,]*)/.exec(text)?.[1] ?? '') && /(?:^|,)size=\d+(?:,|$)/.test(text),
    'it must read base=ADDRESS/BITS,size=BITS',
  ],
};

/** Why no engine takes this value of its option; undefined where one may. */
export function faultOf(flag: string, value: string): string | undefined {
  const rule = Object.hasOwn(RULES, flag) ? RULES[flag] : undefined;
  return rule === undefined || rule[0](value) ? undefined : rule[1];
}
