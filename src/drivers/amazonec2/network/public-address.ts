import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { httpClient } from '../../../download/http.ts';

/** How this computer finds out by which address others see it. */
export interface Outlook {
  /** The addresses of a name, or the address itself. */
  resolve(host: string): Promise<readonly string[]>;
  /** The local address from which packets to another leave; none is sent. Rejects where there is no way. */
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

export function ownOutlook(signal: AbortSignal): Outlook {
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
