import { createSocket, type Socket } from 'node:dgram';
import { createServer, type Server } from 'node:net';
import { qemuError } from './errors.ts';

/** A local port (on 127.0.0.1) that leads to one of the guest. Host 0 stands for any that is free. */
export interface Forward {
  readonly host: number;
  readonly guest: number;
  readonly protocol: 'tcp' | 'udp';
}

/** `HOST:GUEST[/udp]`, `:GUEST` or `GUEST`. */
export function parsePublish(value: string): Forward {
  const match = /^(?:(\d{0,5}):)?(\d{1,5})(?:\/(tcp|udp))?$/.exec(value.trim());
  const host = Number(match?.[1] ?? 0);
  const guest = Number(match?.[2] ?? 0);
  if (match === null || host > 65535 || guest < 1 || guest > 65535) {
    throw qemuError('MM_QEMU_FLAGS', {
      message: `--qemu-publish cannot be ${JSON.stringify(value.slice(0, 60))}`,
      hint: 'Write it as HOST:GUEST or HOST:GUEST/udp, such as 8080:80; leave HOST out for any free port.',
    });
  }
  return { host, guest, protocol: match[3] === 'udp' ? 'udp' : 'tcp' };
}

/** QEMU's -netdev user option for it. */
export function hostForward({ host, guest, protocol }: Forward): string {
  return `hostfwd=${protocol}:127.0.0.1:${host}-:${guest}`;
}

/**
 * Gives each forward with host 0 a free local port, all different. The ports are free when this returns; another program
 * may be quicker than QEMU, so a QEMU that cannot take one is to be tried again with new ones.
 */
export async function takeFreePorts(forwards: readonly Forward[]): Promise<readonly Forward[]> {
  const held: Held[] = [];
  try {
    for (const { host, protocol } of forwards) held.push(await hold(host, protocol));
    return forwards.map((forward, index) => ({ ...forward, host: held[index]?.port ?? 0 }));
  } finally {
    await Promise.all(held.map(({ release }) => release()));
  }
}

export async function isPortFree(port: number, protocol: Forward['protocol'] = 'tcp'): Promise<boolean> {
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

function hold(port: number, protocol: Forward['protocol']): Promise<Held> {
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
