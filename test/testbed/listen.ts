import type { AddressInfo, Server, Socket } from 'node:net';

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
