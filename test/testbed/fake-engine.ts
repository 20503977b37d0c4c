import { readFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { createServer as createHttpsServer, type Server, type ServerOptions } from 'node:https';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { KeyPair } from '../../src/certs/create.ts';
import { createAuthority, createServerCertificate } from '../../src/certs/create.ts';
import { compareApiVersions } from '../../src/engine/answers.ts';
import { type Listening, listen } from './listen.ts';

export interface FakeEngineOptions {
  /** The folder of ca.pem and ca-key.pem. They are read at the first connection. */
  readonly certDir: string;
  /** Defaults: those of MODERN_ENGINE. */
  readonly version?: string;
  readonly api?: string;
  readonly minApi?: string;
  readonly certificate?: EngineCertificate;
  /** Takes connections and says nothing, like an engine that hangs. */
  readonly silent?: boolean;
  /** The newest version of TLS that it speaks. */
  readonly maxVersion?: 'TLSv1.1' | 'TLSv1.2';
  /** Answers each request by switching to another protocol. */
  readonly switches?: boolean;
}

/** `foreign` is signed by another authority; the other names say what is wrong, too. */
export type EngineCertificate = 'good' | 'foreign' | 'expired' | 'expiring' | 'early' | 'other-name';

/** When a certificate was made, in days from now, and how many days it lasts. */
const AGES: Partial<Record<EngineCertificate, { readonly made: number; readonly days: number }>> = {
  expired: { made: -10, days: 5 },
  expiring: { made: -10, days: 30 },
  early: { made: 10, days: 1080 },
};

export interface FakeEngine {
  /** `127.0.0.1:PORT` */
  readonly address: string;
  /** `tcp://127.0.0.1:PORT` */
  readonly url: string;
  readonly connections: Listening['connections'];
  close(): Promise<void>;
}

const DAY_MS = 24 * 3_600_000;

async function serverIdentity(options: FakeEngineOptions): Promise<ServerOptions> {
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
  });
  return {
    ...{ ca: own.cert, cert: pair.cert, key: pair.key, requestCert: true, rejectUnauthorized: true },
    ...(options.maxVersion === undefined ? {} : { maxVersion: options.maxVersion, minVersion: 'TLSv1' }),
    // OpenSSL 3 speaks the old versions at its lowest level of security alone.
    ...(options.maxVersion === 'TLSv1.1' ? { ciphers: 'DEFAULT@SECLEVEL=0' } : {}),
  };
}

/** What dockerd tells of itself, of any age. */
export interface EngineAge {
  readonly version: string;
  readonly api: string;
  readonly minApi: string;
  /** Engines before 17.03 do not tell their API version in /_ping. */
  readonly silentPing?: boolean;
}

export const MODERN_ENGINE: EngineAge = { version: '28.5.2', api: '1.51', minApi: '1.24' };

/**
 * Answers as dockerd does. Versions of the API outside its range are refused in its words.
 * @param seen takes the path of each request.
 */
export function engineHandler(
  { version, api, minApi, silentPing }: EngineAge,
  seen: string[] = [],
): RequestListener {
  return (request, response) => {
    const url = request.url ?? '';
    seen.push(url);
    const json = (status: number, value: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(`${JSON.stringify(value)}\n`);
    };
    const refuse = (age: string, range: string) =>
      json(400, { message: `client version ${asked} is too ${age}. ${range}` });
    const [, asked, path = ''] = /^(?:\/v(\d+\.\d+))?(\/[^?]*)/.exec(url) ?? [];
    if (silentPing !== true) response.setHeader('Api-Version', api);
    response.setHeader('Ostype', 'linux');
    response.setHeader('Server', `Docker/${version} (linux)`);
    if (asked !== undefined && compareApiVersions(asked, minApi) < 0)
      return refuse(
        'old',
        `Minimum supported API version is ${minApi}, please upgrade your client to a newer version`,
      );
    if (asked !== undefined && compareApiVersions(asked, api) > 0)
      return refuse('new', `Maximum supported API version is ${api}`);
    switch (path) {
      case '/_ping':
        return response.end('OK');
      case '/version':
        return json(200, {
          ...{ Version: version, ApiVersion: api, MinAPIVersion: minApi },
          ...{ Os: 'linux', Arch: 'amd64' },
        });
      case '/info':
        return json(200, {
          ...{ Name: 'host1', ServerVersion: version, Containers: 0 },
          Swarm: { LocalNodeState: 'inactive' },
        });
      case '/containers/json':
        return json(200, [{ Id: 'abc', Names: ['/web'], State: 'running' }]);
      default:
        return json(404, { message: `page not found \u001b[31m${path}` });
    }
  };
}

/** An engine that answers over TLS, to clients with a certificate of its authority. */
export async function startFakeEngine(options: FakeEngineOptions): Promise<FakeEngine> {
  const handler: RequestListener = options.switches
    ? (request) =>
        request.socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n',
        )
    : engineHandler({ ...MODERN_ENGINE, ...options });
  let engine: Promise<Server> | undefined;
  const accept = async (socket: Socket) => {
    if (options.silent) return;
    engine ??= serverIdentity(options).then((identity) => createHttpsServer(identity, handler));
    (await engine).emit('connection', socket);
  };
  const { port, connections, close } = await listen(
    createServer((socket) => void accept(socket).catch(() => socket.destroy())),
  );
  const address = `127.0.0.1:${port}`;
  return { address, url: `tcp://${address}`, connections, close };
}
