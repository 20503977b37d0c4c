import { readFile } from 'node:fs/promises';
import type { RequestListener, ServerResponse } from 'node:http';
import { createServer as createHttpsServer, type Server, type ServerOptions } from 'node:https';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { KeyPair } from '../../src/certs/create.ts';
import { createAuthority, createServerCertificate } from '../../src/certs/create.ts';
import { compareApiVersions } from '../../src/engine/answers.ts';

export interface EngineStubOptions {
  /**
   * The folder with ca.pem and ca-key.pem, read at the first connection: they may not be there yet.
   */
  readonly certDir: string;
  /** Default 28.5.2 with API 1.51, which takes clients from 1.24 on. */
  readonly version?: string;
  readonly api?: string;
  readonly minApi?: string;
  /**
   * A certificate that is good, signed by an authority that
   * nobody knows, out of its dates or soon, or for another host.
   */
  readonly certificate?: EngineCertificate;
  /** Takes connections and says nothing, as a host does whose engine hangs. */
  readonly silent?: boolean;
}

export type EngineCertificate = 'good' | 'foreign' | 'expired' | 'expiring' | 'early' | 'other-name';

/** When it was made, in days from now, and how many days it lasts. */
const AGES: Partial<Record<EngineCertificate, { readonly made: number; readonly days: number }>> = {
  expired: { made: -10, days: 5 },
  expiring: { made: -10, days: 30 },
  early: { made: 10, days: 1080 },
};

export interface EngineStub {
  /** `127.0.0.1:PORT` */
  readonly address: string;
  close(): Promise<void>;
}

const DAY_MS = 24 * 3_600_000;

async function serverIdentity(options: EngineStubOptions): Promise<ServerOptions> {
  const { certDir, certificate = 'good' } = options;
  const [cert, key] = await Promise.all(
    ['ca.pem', 'ca-key.pem'].map((file) => readFile(join(certDir, file), 'utf8')),
  );
  const own: KeyPair = { cert: cert ?? '', key: key ?? '' };
  const now = Date.now();
  const ca = certificate === 'foreign' ? await createAuthority({ organization: 'stranger', now }) : own;
  const age = AGES[certificate];
  const pair = await createServerCertificate(ca, {
    organization: 'tester.engine',
    now: now + (age?.made ?? 0) * DAY_MS,
    days: age?.days ?? 1080,
    sans: certificate === 'other-name' ? ['192.0.2.99'] : ['127.0.0.1', 'localhost'],
    clientAuth: false,
  });
  return { ca: own.cert, cert: pair.cert, key: pair.key, requestCert: true, rejectUnauthorized: true };
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(value)}\n`);
}

function answering({
  version = '28.5.2',
  api = '1.51',
  minApi = '1.24',
}: EngineStubOptions): RequestListener {
  return (request, response) => {
    const [, asked, path = ''] = /^(?:\/v(\d+\.\d+))?(\/[^?]*)/.exec(request.url ?? '') ?? [];
    response.setHeader('Api-Version', api);
    response.setHeader('Ostype', 'linux');
    response.setHeader('Server', `Docker/${version} (linux)`);
    if (asked !== undefined && compareApiVersions(asked, minApi) < 0) {
      const message = `client version ${asked} is too old. Minimum supported API version is ${minApi}, please upgrade your client to a newer version`;
      return json(response, 400, { message });
    }
    if (asked !== undefined && compareApiVersions(asked, api) > 0) {
      const message = `client version ${asked} is too new. Maximum supported API version is ${api}`;
      return json(response, 400, { message });
    }
    if (path === '/_ping') return void response.end('OK');
    if (path === '/version')
      return json(response, 200, {
        Version: version,
        ApiVersion: api,
        MinAPIVersion: minApi,
        Os: 'linux',
        Arch: 'amd64',
      });
    if (path === '/info')
      return json(response, 200, { Name: 'engine', ServerVersion: version, Containers: 0 });
    return json(response, 404, { message: 'page not found' });
  };
}

/**
 * What a Docker Engine answers to `/_ping`, `/version` and `/info`, as its API's
 * documentation says: without a version in the path always, with one only between
 * its oldest and its newest. Over TLS, to clients with a certificate of its CA.
 */
export async function startEngineStub(options: EngineStubOptions): Promise<EngineStub> {
  let engine: Promise<Server> | undefined;
  const open = new Set<Socket>();
  const accept = async (socket: Socket) => {
    open.add(socket);
    socket.on('error', () => undefined).on('close', () => open.delete(socket));
    if (options.silent) return;
    engine ??= serverIdentity(options).then((identity) => createHttpsServer(identity, answering(options)));
    (await engine).emit('connection', socket);
  };
  const server = createServer((socket) => void accept(socket).catch(() => socket.destroy()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
