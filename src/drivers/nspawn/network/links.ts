import { isObject } from '../../../base/json.ts';

/** A network interface as `ip -json addr` has it. */
export interface Link {
  readonly name: string;
  readonly index: number;
  readonly master: string;
  /** IPv4 with prefix length: `10.91.7.1/24`. */
  readonly addresses: readonly string[];
}

export function parseLinks(json: string): readonly Link[] {
  const links: unknown = JSON.parse(json.trim() === '' ? '[]' : json);
  if (!Array.isArray(links)) return [];
  return links.flatMap((link: unknown) => {
    if (!isObject(link) || typeof link['ifname'] !== 'string') return [];
    const infos: unknown = link['addr_info'];
    const addresses = (Array.isArray(infos) ? infos : []).flatMap((info: unknown) =>
      isObject(info) && info['family'] === 'inet'
        ? [`${String(info['local'])}/${String(info['prefixlen'])}`]
        : [],
    );
    const master = link['master'];
    return [
      {
        name: link['ifname'],
        index: Number(link['ifindex'] ?? 0),
        master: typeof master === 'string' ? master : '',
        addresses,
      },
    ];
  });
}

/** What is missing of the network's bridge, as lines for `ip -batch`. `links` are there. */
export function bridgeLines(links: readonly Link[], gateway: string): readonly string[] {
  const bridge = links.find((link) => link.name === 'br0');
  const lines = ['link set lo up'];
  if (bridge === undefined) lines.push('link add br0 type bridge');
  if (!bridge?.addresses.includes(`${gateway}/24`)) lines.push(`addr add ${gateway}/24 dev br0`);
  return [...lines, 'link set br0 up'];
}

/** What is missing of the veth pair from this computer to the bridge. Its far end is called lan. */
export function vethLines(
  outer: readonly Link[],
  name: string,
  netns: string,
  address: string,
): readonly string[] {
  const link = outer.find((each) => each.name === name);
  const lines: string[] = [];
  if (link === undefined) lines.push(`link add ${name} type veth peer name lan netns ${netns}`);
  if (!link?.addresses.includes(`${address}/24`)) lines.push(`addr add ${address}/24 dev ${name}`);
  return [...lines, `link set ${name} up`];
}
