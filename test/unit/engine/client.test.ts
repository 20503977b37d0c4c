import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createEngineClient, type EngineClientOptions } from '../../../src/engine/client.ts';
import type { EngineClient, EngineEndpoint } from '../../../src/engine/contract.ts';
import { type EngineAge, engineHandler, MODERN_ENGINE } from '../../testbed/fake-engine.ts';
import type { Listening } from '../../testbed/listen.ts';
import {
  type Certificates,
  clock,
  makeCertificates,
  plainEngine,
  rawServer,
  tlsEndpoint,
  tlsEngine,
} from './engines.ts';

const ages: readonly EngineAge[] = [
  { version: '1.13.1', api: '1.26', minApi: '1.12', silentPing: true },
  { version: '20.10.24', api: '1.41', minApi: '1.12' },
  { version: '26.1.5', api: '1.45', minApi: '1.24' },
  { version: '28.5.2', api: '1.51', minApi: '1.24' },
  { version: '29.0.0', api: '1.52', minApi: '1.44' },
  { version: '99.0.0', api: '1.90', minApi: '1.70' },
];
const modern = MODERN_ENGINE;

let certs: Certificates;
const open: (Listening | EngineClient)[] = [];

beforeAll(async () => {
  certs = await makeCertificates();
});
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function running(listening: Promise<Listening>): Promise<number> {
  const one = await listening;
  open.push(one);
  return one.port;
}

function client(endpoint: EngineEndpoint, options: Partial<EngineClientOptions> = {}): EngineClient {
  const one = createEngineClient(endpoint, { machineName: 'host1', clock, timeoutMs: 20_000, ...options });
  open.push(one);
  return one;
}

describe('an engine client', () => {
  for (const age of ages) {
    it(`speaks with engine ${age.version} over mutual TLS`, async () => {
      const seen: string[] = [];
      const port = await running(tlsEngine(certs.server, certs.ca, engineHandler(age, seen)));
      const engine = client(tlsEndpoint(port, certs.ca, certs.client));
      expect(await engine.containers()).toEqual([{ id: 'abc', name: 'web', state: 'running' }]);
      expect(await engine.version()).toEqual({
        version: age.version,
        apiVersion: age.api,
        minApiVersion: age.minApi,
        os: 'linux',
        arch: 'amd64',
      });
      expect((await engine.ping()).apiVersion).toBe(age.silentPing === true ? '1.24' : age.api);
      expect(await engine.info()).toMatchObject({ Name: 'host1' });
      expect(seen[0]).toBe('/_ping');
    });
  }

  it('asks a version in one round trip', async () => {
    const seen: string[] = [];
    const port = await running(tlsEngine(certs.server, certs.ca, engineHandler(modern, seen)));
    await client(tlsEndpoint(port, certs.ca, certs.client)).version();
    expect(seen).toEqual(['/version']);
  });

  it('keeps its connection between calls, and drops it when closed', async () => {
    const ports = new Set<number | undefined>();
    const handler = engineHandler(modern);
    const port = await running(
      plainEngine((request, response) => {
        ports.add(request.socket.remotePort);
        handler(request, response);
      }),
    );
    const engine = client({ kind: 'tcp', host: '127.0.0.1', port });
    for (let call = 0; call < 5; call++) await engine.ping();
    expect(ports.size).toBe(1);
    engine.close();
    await expect(engine.ping()).rejects.toMatchObject({ code: 'MM_ENGINE_PROTOCOL' });
  });

  it('survives that the engine hangs up between two calls', async () => {
    const handler = engineHandler(modern);
    const port = await running(
      plainEngine((request, response) => {
        response.on('finish', () => setTimeout(() => request.socket.destroy(), 20));
        handler(request, response);
      }),
    );
    const engine = client({ kind: 'tcp', host: '127.0.0.1', port });
    for (let call = 0; call < 3; call++) {
      expect((await engine.ping()).apiVersion).toBe('1.51');
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
  });

  it('speaks over a stream that someone opens, also one that is no socket', async () => {
    const port = await running(plainEngine(engineHandler(modern)));
    let opened = 0;
    const stream = async () => {
      opened++;
      const socket = connect(port, '127.0.0.1');
      return Duplex.from({ readable: socket, writable: socket });
    };
    const engine = client({ kind: 'stream', open: stream });
    expect((await engine.version()).version).toBe('28.5.2');
    expect(await engine.containers()).toHaveLength(1);
    expect(opened).toBe(1);
  });

  it('answers many calls side by side', async () => {
    const port = await running(tlsEngine(certs.server, certs.ca, engineHandler(modern)));
    const engine = client(tlsEndpoint(port, certs.ca, certs.client));
    const answers = await Promise.all(Array.from({ length: 20 }, () => engine.version()));
    expect(new Set(answers.map((answer) => answer.version))).toEqual(new Set(['28.5.2']));
  });

  it('says the status and the words of an engine that refuses, printable', async () => {
    const port = await running(
      plainEngine((_request, response) => {
        response.writeHead(500);
        response.end(JSON.stringify({ message: 'disk on fire\u001b[31m\u0007' }));
      }),
    );
    await expect(client({ kind: 'tcp', host: '127.0.0.1', port }).version()).rejects.toMatchObject({
      code: 'MM_ENGINE_API',
      message: `The engine at tcp://127.0.0.1:${port} answered 500: disk on fire`,
    });
  });

  it('refuses replies that are too large, no JSON, or not an engine', async () => {
    const port = await running(
      plainEngine((request, response) => {
        if (request.url === '/version') return response.end('x'.repeat(2_000_000));
        response.setHeader('Api-Version', '1.51');
        if (request.url === '/_ping') return response.end('OK');
        return response.end(request.url?.includes('info') === true ? '<html>' : '{"a":1}');
      }),
    );
    const engine = client({ kind: 'tcp', host: '127.0.0.1', port }, { maxBodyBytes: 1_000_000 });
    const refusal = { code: 'MM_ENGINE_PROTOCOL', message: expect.stringContaining('not a Docker Engine') };
    await expect(engine.version()).rejects.toMatchObject(refusal);
    await expect(engine.info()).rejects.toMatchObject(refusal);
    await expect(engine.containers()).rejects.toMatchObject(refusal);
  });

  const head = 'HTTP/1.1 200 OK\r\nApi-Version: 1.51\r\n';
  it.each([
    ['HTML', `${head}Content-Length: 6\r\n\r\n<html>`],
    ['nothing', `${head}Content-Length: 0\r\n\r\n`],
    ['no content', 'HTTP/1.1 204 No Content\r\nApi-Version: 1.51\r\n\r\n'],
    ['JSON', `${head}Content-Length: 4\r\n\r\nnull`],
    ['packed bytes', `${head}Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\u001f\u008b\u0008`],
    ['broken chunks', `${head}Transfer-Encoding: chunked\r\n\r\nZZ\r\nOK\r\n`],
    ['two lengths', `${head}Content-Length: 2\r\nContent-Length: 3\r\n\r\nOK`],
    ['headers without end', `${head}X: ${'x'.repeat(1_000_000)}`],
    ['no headers', 'OK'],
  ])('takes %s for no sign of life of an engine', async (_, answer) => {
    const port = await running(rawServer((socket) => socket.once('data', () => socket.write(answer))));
    await expect(client({ kind: 'tcp', host: '127.0.0.1', port }).ping()).rejects.toMatchObject({
      code: 'MM_ENGINE_PROTOCOL',
    });
  });

  it('refuses what is no HTTP at all', async () => {
    const port = await running(rawServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n')));
    await expect(client({ kind: 'tcp', host: '127.0.0.1', port }).ping()).rejects.toMatchObject({
      code: 'MM_ENGINE_PROTOCOL',
    });
  });

  it('ends a call when its time is over, and says how long it waited', { timeout: 20_000 }, async () => {
    const port = await running(rawServer(() => {}));
    for (const endpoint of [
      { kind: 'tcp', host: '127.0.0.1', port } as const,
      tlsEndpoint(port, certs.ca, certs.client),
      { kind: 'stream', open: () => new Promise<Duplex>(() => {}) } as const,
    ]) {
      await expect(client(endpoint, { timeoutMs: 300 }).version()).rejects.toMatchObject({
        code: 'MM_ENGINE_TIMEOUT',
        message: expect.stringContaining('0.3 s'),
      });
    }
  });

  it('ends a call when a reply never ends', async () => {
    const port = await running(plainEngine((_request, response) => void response.write('{')));
    const engine = client({ kind: 'tcp', host: '127.0.0.1', port }, { timeoutMs: 300 });
    await expect(engine.version()).rejects.toMatchObject({ code: 'MM_ENGINE_TIMEOUT' });
  });

  it('ends a call when the user interrupts, with the reason of the signal', async () => {
    const port = await running(rawServer(() => {}));
    const controller = new AbortController();
    const engine = client(tlsEndpoint(port, certs.ca, certs.client), { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('interrupted')), 50);
    await expect(engine.version()).rejects.toThrow('interrupted');
    await expect(engine.version()).rejects.toThrow('interrupted');
  });
});
