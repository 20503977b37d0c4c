import { createSocket, type Socket } from 'node:dgram';
import { createServer, type Server } from 'node:net';

type Protocol = 'tcp' | 'udp';

/**
 * Gives each forward with host 0 a free local port, all different. The ports are free when this returns; another program
 * may be quicker to take one, so whoever cannot have it is to be tried again with new ones.
 */
export async function takeFreePorts<F extends { readonly host: number; readonly protocol: Protocol }>(
  forwards: readonly F[],
): Promise<readonly F[]> {
  const held: Held[] = [];
  try {
    for (const { host, protocol } of forwards) held.push(await hold(host, protocol));
    return forwards.map((forward, index) => ({ ...forward, host: held[index]?.port ?? 0 }));
  } finally {
    await Promise.all(held.map(({ release }) => release()));
  }
}

/** Whether a program of this user could listen on 127.0.0.1 at that port now. */
export async function isPortFree(port: number, protocol: Protocol = 'tcp'): Promise<boolean> {
  try {
    await (await hold(port, protocol)).release();
    return true;
  } catch {
    return false;
  }
}

interface Held {
  readonly port: number;
  readonly release: () => Promise<void>;
}

function hold(port: number, protocol: Protocol): Promise<Held> {
  return new Promise((resolve, reject) => {
    const socket: Server | Socket = protocol === 'tcp' ? createServer() : createSocket('udp4');
    const bound = () => {
      const address = socket.address();
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : 0,
        release: () => new Promise((done) => socket.close(() => done())),
      });
    };
    socket.once('error', reject);
    if ('listen' in socket) socket.listen({ port, host: '127.0.0.1', exclusive: true }, bound);
    else socket.bind({ port, address: '127.0.0.1', exclusive: true }, bound);
  });
}
