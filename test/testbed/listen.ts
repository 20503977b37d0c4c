import { spawn } from 'node:child_process';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';

export interface Listening {
  readonly port: number;
  /** How many connections there have been, and how many at most at a time. */
  readonly connections: { total: number; peak: number };
  /** Closes the server and cuts its connections. */
  close(): Promise<void>;
}

/** Has a server listen on a free port of 127.0.0.1, or of all addresses with `host` ''. */
export async function listen(server: Server, host = '127.0.0.1'): Promise<Listening> {
  const sockets = new Set<Socket>();
  const connections = { total: 0, peak: 0 };
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    connections.total += 1;
    connections.peak = Math.max(connections.peak, sockets.size);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, host === '' ? undefined : host, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** A port whose queue is full: a process listens there that takes no connection. */
export async function fullListener(): Promise<{ readonly port: number; readonly close: () => void }> {
  const program = `const { createServer } = require('node:net'), { writeSync } = require('node:fs');
    const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      writeSync(1, String(server.address().port));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = Number(await new Promise((resolve) => child.stdout.once('data', resolve)));
  const fillers = [1, 2].map(() => connect({ host: '127.0.0.1', port }));
  await Promise.all(fillers.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
  const close = () => {
    for (const socket of fillers) socket.on('error', () => undefined).destroy();
    child.kill('SIGKILL');
  };
  return { port, close };
}
