import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Ec2Context } from '../context.ts';
import { ec2Error } from '../errors.ts';
import { type Outlook, ownOutlook } from './public-address.ts';

const asNetwork = (address: string): string => `${address}/${isIP(address) === 6 ? 128 : 32}`;

/** Addresses that lead nowhere from the Internet: of this computer, of a link, of private networks. */
const INTERNAL: readonly string[] = ['carrierGradeNat', 'linkLocal', 'loopback', 'private', 'uniqueLocal'];

const isInternal = (address: string): boolean => INTERNAL.includes(ipaddr.process(address).range());

/** The first address of a network for a host, which in a subnet is its router; undefined without a network. */
function routerOf(cidr: string | undefined): string | undefined {
  const net = cidr?.split('/')[0] ?? '';
  if (isIP(net) === 6) return net.endsWith('::') ? `${net}1` : net;
  return isIP(net) === 4 ? net.replace(/\d+$/, (last) => String(Number(last) + 1)) : undefined;
}

/** Of several the IPv4 one: instances have one, and an IPv6 address only when it is asked for. */
const preferred = (addresses: readonly string[]): string =>
  addresses.find((address) => isIP(address) === 4) ?? addresses[0] ?? '';

/** As the machine's public address sees us. An endpoint that is not on the Internet is of a cloud that is not, either. */
async function seenByCloud({ config }: Ec2Context, outlook: Outlook): Promise<string> {
  if (config.Endpoint === '') return outlook.publicAddress();
  const host = new URL(config.Endpoint).hostname.replace(/^\[|\]$/g, '');
  const address = preferred(await outlook.resolve(host));
  return isInternal(address) ? outlook.addressToward(address) : outlook.publicAddress();
}

/** As an IPv6 address of the subnet sees us: by our own, which nothing translates. undefined without one. */
async function seenByIpv6(cidrs: readonly string[], outlook: Outlook): Promise<string | undefined> {
  const router = routerOf(cidrs.find((cidr) => cidr.includes(':')));
  if (router === undefined) return undefined;
  const address = await outlook.addressToward(router).catch(() => undefined);
  return address === undefined || isInternal(address) ? undefined : address;
}

/**
 * Who may come in: the networks of --amazonec2-open-to, else this computer alone, by the address that the machine's own
 * will see: the public one, or for a private address ours in the network that leads there.
 * @param cidrs networks of the machine's subnet
 * @throws MM_EC2_CALLER_ADDRESS
 */
export async function callerNetworks(
  context: Ec2Context,
  cidrs: readonly string[],
  outlook: Outlook = ownOutlook(context.signal),
): Promise<readonly string[]> {
  const { config, report, signal } = context;
  if (config.OpenTo.length > 0) return config.OpenTo;
  try {
    const inside = config.PrivateIPOnly || config.UsePrivateIP ? routerOf(cidrs[0]) : undefined;
    const address =
      inside === undefined ? await seenByCloud(context, outlook) : await outlook.addressToward(inside);
    if (isIP(address) === 0) throw new Error('the answer is no address');
    const ipv6 = config.IPv6 ? await seenByIpv6(cidrs, outlook) : undefined;
    const networks = [address, ...(ipv6 === undefined ? [] : [ipv6])].map(asNetwork);
    report.debug('ec2', `opening to ${networks.join(', ')}`);
    return networks;
  } catch (error) {
    signal.throwIfAborted();
    throw ec2Error('MM_EC2_CALLER_ADDRESS', {
      message: `This computer's public address cannot be found out: ${(error as Error).message}`,
      hint: 'Say from where the machine is to be reached: "--amazonec2-open-to CIDR".',
      cause: error,
    });
  }
}
