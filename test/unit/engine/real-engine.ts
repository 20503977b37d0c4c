import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from 'node:net';
import type { KeyPair } from '../../../src/certs/create.ts';
import {
  createAuthority,
  createClientCertificate,
  createServerCertificate,
} from '../../../src/certs/create.ts';
import { systemClock } from '../../../src/cli/computer/clock.ts';
import type { EngineEndpoint } from '../../../src/engine/contract.ts';

export const day = 86_400_000;
export const clock = systemClock;

/**
 * The certificates of a machine and everything that
 * can be wrong with them. Made once: keys take time.
 */
export async function makeCertificates() {
  const now = Date.now();
  const [ca, otherCa] = await Promise.all([
    createAuthority({ organization: 'ann', now }),
    createAuthority({ organization: 'ann', now }),
  ]);
  const sans = ['127.0.0.1', 'localhost', '::1'];
  const serverRequest = { organization: 'ann.host1', now, sans };
  const past = now - 100 * day;
  const [server, namedServer, oldServer, earlyServer, client, otherClient, oldClient] = await Promise.all([
    createServerCertificate(ca, serverRequest),
    createServerCertificate(ca, { ...serverRequest, sans: ['192.0.2.7', 'elsewhere.example'] }),
    createServerCertificate(ca, { ...serverRequest, now: past, days: 50 }),
    createServerCertificate(ca, { ...serverRequest, now: now + 10 * day }),
    createClientCertificate(ca, { organization: 'ann', now }),
    createClientCertificate(otherCa, { organization: 'ann', now }),
    createClientCertificate(ca, { organization: 'ann', now: past, days: 50 }),
  ]);
  return { ca, otherCa, server, namedServer, oldServer, earlyServer, client, otherClient, oldClient };
}

export type Certificates = Awaited<ReturnType<typeof makeCertificates>>;

export interface Listening {
  readonly port: number;
  stop(): Promise<void>;
}

/** Listens on a free port of 127.0.0.1; `stop` cuts what is open. */
export async function listen(server: Server): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** What dockerd says of itself, of any age. */
export interface EngineAge {
  readonly version: string;
  readonly api: string;
  readonly minApi: string;
  /** Engines before 17.03 do not say their version in /_ping. */
  readonly silentPing?: boolean;
}

/** Answers as dockerd does: versions outside its range are refused with its words. */
export function engineHandler(age: EngineAge, seen: string[] = []): RequestListener {
  const number = (version: string) => Number(version.split('.')[1]);
  return (request, response) => {
    const url = request.url ?? '';
    seen.push(url);
    const json = (status: number, value: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(value));
    };
    const [, api, path = url] = /^\/v(1\.\d+)(\/.*)$/.exec(url) ?? [];
    if (api !== undefined && number(api) < number(age.minApi)) {
      return json(400, {
        message: `client version ${api} is too old. Minimum supported API version is ${age.minApi}, please upgrade your client to a newer version`,
      });
    }
    if (api !== undefined && number(api) > number(age.api)) {
      return json(400, {
        message: `client version ${api} is too new. Maximum supported API version is ${age.api}`,
      });
    }
    switch (path) {
      case '/_ping':
        if (age.silentPing !== true) response.setHeader('Api-Version', age.api);
        return response.end('OK');
      case '/version':
        return json(200, {
          Version: age.version,
          ApiVersion: age.api,
          MinAPIVersion: age.minApi,
          Os: 'linux',
          Arch: 'amd64',
        });
      case '/info':
        return json(200, { Name: 'host1', Swarm: { LocalNodeState: 'inactive' } });
      case '/containers/json?all=1':
        return json(200, [{ Id: 'abc', Names: ['/web'], State: 'running' }]);
      default:
        return json(404, { message: `page not found \u001b[31m${path}` });
    }
  };
}

export function tlsEngine(server: KeyPair, ca: KeyPair, handler: RequestListener, maxVersion?: 'TLSv1.2') {
  const options = {
    cert: server.cert,
    key: server.key,
    ca: ca.cert,
    requestCert: true,
    rejectUnauthorized: true,
  };
  return listen(createHttps({ ...options, ...(maxVersion === undefined ? {} : { maxVersion }) }, handler));
}

export const plainEngine = (handler: RequestListener) => listen(createHttp(handler));
export const rawServer = (handler: (socket: Socket) => void) => listen(createTcp(handler));

export function tlsEndpoint(port: number, ca: KeyPair, client: KeyPair, host = '127.0.0.1'): EngineEndpoint {
  return { kind: 'tls', host, port, ca: ca.cert, cert: client.cert, key: client.key };
}
