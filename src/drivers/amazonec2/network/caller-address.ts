import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { httpClient } from '../../../download/http.ts';
import type { Ec2Context } from '../context.ts';
import { ec2Error } from '../errors.ts';

/** How this computer finds out by which address others see it. */
export interface AddressSource {
  /** The addresses of a name, or the address itself. */
  resolve(host: string): Promise<readonly string[]>;
  /** Our address on the way to another. Nothing is sent. Rejects where there is no way. */
  addressToward(address: string): Promise<string>;
  /** The address that the Internet sees. */
  publicAddress(): Promise<string>;
}

/** Amazon's own service that tells a caller's address, as the VPC documentation names it. */
const CHECK_URL = 'https://checkip.amazonaws.com/';
const CHECK_MS = 10_000;

async function addressToward(address: string): Promise<string> {
  const socket = createSocket(isIP(address) === 6 ? 'udp6' : 'udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.connect(9, address, resolve);
    });
    return socket.address().address;
  } finally {
    socket.close();
  }
}

function ownAddressSource(signal: AbortSignal): AddressSource {
  return {
    resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
    addressToward,
    // Asked directly, whatever proxy there is: SSH comes from here directly as well.
    publicAddress: async () => {
      const client = await httpClient({}, signal, { connectMs: CHECK_MS, stallMs: CHECK_MS });
      try {
        return (await client.text(CHECK_URL)).trim();
      } finally {
        await client.close();
      }
    },
  };
}

const asNetwork = (address: string): string => `${address}/${isIP(address) === 6 ? 128 : 32}`;

/** Ranges that lead nowhere from the Internet: this computer, a link, private networks. */
const INTERNAL: readonly string[] = ['carrierGradeNat', 'linkLocal', 'loopback', 'private', 'uniqueLocal'];

const isInternal = (address: string): boolean => INTERNAL.includes(ipaddr.process(address).range());

/** The first address for a host, which in a subnet is its router. undefined without a network. */
function routerOf(cidr: string | undefined): string | undefined {
  const net = cidr?.split('/')[0] ?? '';
  if (isIP(net) === 6) return net.endsWith('::') ? `${net}1` : net;
  return isIP(net) === 4 ? net.replace(/\d+$/, (last) => String(Number(last) + 1)) : undefined;
}

/** What a public machine sees. An endpoint inside of a network is of a cloud inside of it. */
async function seenByCloud({ config }: Ec2Context, source: AddressSource): Promise<string> {
  if (config.Endpoint === '') return source.publicAddress();
  const host = new URL(config.Endpoint).hostname.replace(/^\[|\]$/g, '');
  const found = await source.resolve(host);
  // Instances have an IPv4 address, and one of IPv6 only when it is asked for.
  const address = found.find((each) => isIP(each) === 4) ?? found[0] ?? '';
  return isInternal(address) ? source.addressToward(address) : source.publicAddress();
}

/** Our own IPv6 address, which nothing translates on the way. undefined without one. */
async function seenByIpv6(cidrs: readonly string[], source: AddressSource): Promise<string | undefined> {
  const router = routerOf(cidrs.find((cidr) => cidr.includes(':')));
  if (router === undefined) return undefined;
  const address = await source.addressToward(router).catch(() => undefined);
  return address === undefined || isInternal(address) ? undefined : address;
}

/**
 * The networks that may come in: those of --amazonec2-open-to, else this computer alone.
 * A public machine sees our public address, a private one ours in the network that leads there.
 * @param cidrs networks of the machine's subnet
 * @throws MM_EC2_CALLER_ADDRESS
 */
export async function callerNetworks(
  context: Ec2Context,
  cidrs: readonly string[],
  source: AddressSource = ownAddressSource(context.signal),
): Promise<readonly string[]> {
  const { config, report, signal } = context;
  if (config.OpenTo.length > 0) return config.OpenTo;
  try {
    const inside = config.PrivateIPOnly || config.UsePrivateIP ? routerOf(cidrs[0]) : undefined;
    const address =
      inside === undefined ? await seenByCloud(context, source) : await source.addressToward(inside);
    if (isIP(address) === 0) throw new Error('the answer is no address');
    const ipv6 = config.IPv6 ? await seenByIpv6(cidrs, source) : undefined;
    const networks = [address, ...(ipv6 === undefined ? [] : [ipv6])].map(asNetwork);
    report.debug('ec2', `opening to ${networks.join(', ')}`);
    return networks;
  } catch (error) {
    signal.throwIfAborted();
    throw ec2Error('MM_EC2_CALLER_ADDRESS', {
      message: `This computer's public address cannot be found out: ${(error as Error).message}`,
      hint: 'Say from where the machine is to be reached with --amazonec2-open-to CIDR.',
      cause: error,
    });
  }
}
