import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { httpClient } from '../../images/http.ts';
import type { Ec2Context } from './context.ts';
import { ec2Error } from './errors.ts';

/** Amazon's own service that tells a caller's address, as the VPC documentation names it. */
const CHECK_URL = 'https://checkip.amazonaws.com/';
const CHECK_MS = 10_000;

const asNetwork = (address: string): string => `${address}/${isIP(address) === 6 ? 128 : 32}`;

/** The local address from which packets to a host leave; none is sent. */
async function addressToward(host: string): Promise<string> {
  const { address, family } = await lookup(host);
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
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

/** Asked directly, whatever proxy there is: SSH comes from here directly as well. */
async function publicAddress({ signal }: Ec2Context): Promise<string> {
  const client = await httpClient({}, signal, { connectMs: CHECK_MS, stallMs: CHECK_MS });
  try {
    return (await client.text(CHECK_URL)).trim();
  } finally {
    await client.close();
  }
}

/**
 * Who may come in: the networks of --amazonec2-open-to, else this computer alone. An endpoint of one's own sees the
 * address that leads to it; Amazon's sees our public one.
 * @throws MM_EC2_CALLER_ADDRESS
 */
export async function callerNetworks(context: Ec2Context): Promise<readonly string[]> {
  const { config, report } = context;
  if (config.OpenTo.length > 0) return config.OpenTo;
  try {
    const address =
      config.Endpoint === ''
        ? await publicAddress(context)
        : await addressToward(new URL(config.Endpoint).hostname.replace(/^\[|\]$/g, ''));
    if (isIP(address) === 0) throw new Error('the answer is no address');
    report.debug('ec2', `opening to ${asNetwork(address)}`);
    return [asNetwork(address)];
  } catch (error) {
    throw ec2Error('MM_EC2_CALLER_ADDRESS', {
      message: `This computer's public address cannot be found out: ${(error as Error).message}`,
      hint: 'Say from where the machine is to be reached: --amazonec2-open-to CIDR',
      cause: error,
    });
  }
}
