import type { Socket as UdpSocket } from 'node:dgram';
import type { Server, Socket } from 'node:net';

// node:net is loaded by what connects: commands that only need brackets start without it.

/** A host as it stands before a port: an IPv6 address in brackets, anything else unchanged. */
export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** What isIP of node:net says. Every start reads records with it, and that module loads slowly. */
export function ipVersion(text: string): 0 | 4 | 6 {
  if (/^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?=.)|$)){4}$/.test(text)) return 4;
  const [, address = ''] = /^([0-9a-f:.]*:[0-9a-f:.]*)(?:%[\w.:-]+)?$/i.exec(text) ?? [];
  return address !== '' && URL.canParse(`http://[${address}]`) ? 6 : 0;
}

/** A text that comes in pieces. undefined for one of more than `maxBytes`, which is not read on. */
export async function boundedText(
  pieces: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<string | undefined> {
  const read: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    bytes += piece.length;
    if (bytes > maxBytes) return undefined;
    read.push(piece);
  }
  return Buffer.concat(read).toString('utf8');
}

/** Whether something accepts connections there. Never throws. */
export function accepts(
  host: string,
  port: number,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<boolean> {
  return askSocket(host, port, options, (socket, finish) => socket.once('connect', () => finish(true)));
}

/** Whether an SSH server speaks. A forwarded port accepts before anything in the guest does. */
export function hasSshBanner(port: number, timeoutMs: number, host = '127.0.0.1'): Promise<boolean> {
  return askSocket(host, port, { timeoutMs }, (socket, finish) =>
    socket.once('data', (chunk) => finish(chunk.toString('latin1').startsWith('SSH-'))),
  );
}

async function askSocket(
  host: string,
  port: number,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ask: (socket: Socket, finish: (answer: boolean) => void) => void,
): Promise<boolean> {
  const { connect } = await import('node:net');
  if (signal?.aborted === true) return false;
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const finish = (answer: boolean) => {
      signal?.removeEventListener('abort', fail);
      socket.destroy();
      resolve(answer);
    };
    const fail = () => finish(false);
    socket.setTimeout(timeoutMs, fail);
    socket.on('error', fail);
    socket.once('close', fail);
    signal?.addEventListener('abort', fail, { once: true });
    ask(socket, finish);
  });
}

type Protocol = 'tcp' | 'udp';

/**
 * Gives each forward with host port 0 a free local port, all different.
 * Another program may take a port after this returns. The caller then tries again with new ones.
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

async function hold(port: number, protocol: Protocol): Promise<Held> {
  const socket: Server | UdpSocket =
    protocol === 'tcp'
      ? (await import('node:net')).createServer()
      : (await import('node:dgram')).createSocket('udp4');
  return new Promise((resolve, reject) => {
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
