import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { KeyPair } from '../../../src/certs/create.ts';
import { describeCertificate } from '../../../src/certs/inspect.ts';
import { createEngineClient } from '../../../src/engine/client.ts';
import type { EngineEndpoint } from '../../../src/engine/contract.ts';
import { engineError } from '../../../src/engine/errors.ts';
import { engineHandler, MODERN_ENGINE } from '../../testbed/fake-engine.ts';
import { fullListener, type Listening } from '../../testbed/listen.ts';
import {
  type Certificates,
  clock,
  day,
  makeCertificates,
  plainEngine,
  rawServer,
  tlsEndpoint,
  tlsEngine,
} from './engines.ts';

const handler = engineHandler(MODERN_ENGINE);
const nobody: KeyPair = { cert: '', key: '' };

let certs: Certificates;
const cleanups: (() => unknown)[] = [];
beforeAll(async () => {
  certs = await makeCertificates();
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function running(listening: Promise<Listening>): Promise<number> {
  const one = await listening;
  cleanups.push(() => one.close());
  return one.port;
}

/** A clock whose waits end at once where `isOver` says so, and the others by `end`. */
function ownClock(isOver: (ms: number) => boolean) {
  const sleeps: number[] = [];
  const waiting: { readonly ms: number; readonly resolve: () => void }[] = [];
  const sleep = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      sleeps.push(ms);
      signal?.addEventListener('abort', () => reject(signal.reason));
      if (isOver(ms)) resolve();
      else waiting.push({ ms, resolve });
    });
  const end = (over: number) => {
    for (const { ms, resolve } of waiting) if (ms === over) resolve();
  };
  return { sleeps, end, clock: { ...clock, sleep } };
}

/** The error of a call as the user meets it. */
async function failure(endpoint: EngineEndpoint, timeoutMs = 20_000, at = clock, connectTimeoutMs?: number) {
  const engine = createEngineClient(endpoint, {
    machineName: 'host1',
    clock: at,
    timeoutMs,
    connectTimeoutMs,
  });
  try {
    await engine.version();
    return undefined;
  } catch (error) {
    const { code, message, hint } = error as { code: string; message: string; hint: string };
    return { code, message, hint };
  } finally {
    engine.close();
  }
}

/**
 * The date, so many days from now; a minute's difference
 * at midnight makes no other day five minutes earlier.
 */
const dayOf = (days: number) => new Date(Date.now() + days * day - 300_000).toISOString().slice(0, 10);
const hinting = (command: string) => expect.stringContaining(`mymachine ${command}`);

describe('a failure to reach an engine', () => {
  it('is REFUSED when nothing listens', async () => {
    const listening = await rawServer(() => {});
    await listening.close();
    expect(await failure({ kind: 'tcp', host: '127.0.0.1', port: listening.port })).toMatchObject({
      code: 'MM_ENGINE_REFUSED',
      message: expect.stringContaining(`tcp://127.0.0.1:${listening.port}`),
      hint: hinting('start host1'),
    });
  });

  it('is NAME when the host name does not resolve', async () => {
    expect(await failure({ kind: 'tcp', host: 'no-such-host.invalid', port: 2376 })).toMatchObject({
      code: 'MM_ENGINE_NAME',
      message: expect.stringContaining('no-such-host.invalid'),
    });
  });

  it('is UNREACHABLE when there is no way', async () => {
    // A multicast address cannot be connected to: the
    // system says so at once, without a packet sent.
    expect(await failure({ kind: 'tcp', host: '224.0.0.1', port: 2376 })).toMatchObject({
      code: 'MM_ENGINE_UNREACHABLE',
      hint: hinting('start host1'),
    });
  });

  it('is CERT_AUTHORITY when another CA signed the server, even one of the same name', async () => {
    const port = await running(tlsEngine(certs.server, certs.ca, handler));
    expect(await failure(tlsEndpoint(port, certs.otherCa, certs.client))).toMatchObject({
      code: 'MM_ENGINE_CERT_AUTHORITY',
      hint: hinting('regenerate-certs host1'),
    });
  });

  it('is CERT_PURPOSE when our CA signed what the engine shows, but not for an engine', async () => {
    const port = await running(tlsEngine(certs.client, certs.ca, handler));
    expect(await failure(tlsEndpoint(port, certs.ca, certs.client))).toMatchObject({
      code: 'MM_ENGINE_CERT_PURPOSE',
      message: `The certificate of the engine at tcp://127.0.0.1:${port} is not one for servers`,
      hint: hinting('regenerate-certs host1'),
    });
  });

  it('is OLD_TLS when the engine speaks TLS 1.0 alone', async () => {
    // The alert protocol_version, as OpenSSL and Go send it.
    const alert = Buffer.from([0x15, 3, 1, 0, 2, 2, 70]);
    const port = await running(rawServer((socket) => socket.once('data', () => socket.end(alert))));
    expect(await failure(tlsEndpoint(port, certs.ca, certs.client))).toMatchObject({
      code: 'MM_ENGINE_OLD_TLS',
      message: `The engine at tcp://127.0.0.1:${port} speaks no version of TLS that this program does (1.2 and newer)`,
      hint: hinting('upgrade host1'),
    });
  });

  it("is CERT_EXPIRED when the server's certificate is out of date", async () => {
    const old = await running(tlsEngine(certs.oldServer, certs.ca, handler));
    expect(await failure(tlsEndpoint(old, certs.ca, certs.client))).toMatchObject({
      code: 'MM_ENGINE_CERT_EXPIRED',
      message: expect.stringMatching(
        new RegExp(`^The certificate of the engine at .* has expired \\(on ${dayOf(-50)}\\)$`),
      ),
      hint: hinting('regenerate-certs host1'),
    });
    const early = await running(tlsEngine(certs.earlyServer, certs.ca, handler));
    expect(await failure(tlsEndpoint(early, certs.ca, certs.client))).toMatchObject({
      code: 'MM_ENGINE_CLOCK',
      message: expect.stringMatching(
        new RegExp(
          `not valid yet: it begins on ${dayOf(10)} .* this computer's clock says ${dayOf(300_000 / day)} `,
        ),
      ),
      hint: expect.stringMatching(/^Set this computer's clock: it is behind/),
    });
  });

  it('is CERT_NAME when the address is not in the certificate, and names those that are', async () => {
    const port = await running(tlsEngine(certs.namedServer, certs.ca, handler));
    for (const host of ['127.0.0.1', 'localhost']) {
      expect(await failure(tlsEndpoint(port, certs.ca, certs.client, host))).toMatchObject({
        code: 'MM_ENGINE_CERT_NAME',
        message: `The certificate of the engine is not for ${host}, but for 192.0.2.7, elsewhere.example`,
        hint: hinting('regenerate-certs host1'),
      });
    }
  });

  for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
    const max = version === 'TLSv1.2' ? version : undefined;
    it(`is CLIENT_CERT when ours is missing or from another CA, in ${version}`, async () => {
      const port = await running(tlsEngine(certs.server, certs.ca, handler, max));
      expect(await failure(tlsEndpoint(port, certs.ca, nobody))).toMatchObject({
        code: 'MM_ENGINE_CLIENT_CERT',
        message: expect.stringContaining('there is none'),
      });
      expect(await failure(tlsEndpoint(port, certs.ca, certs.otherClient))).toMatchObject({
        code: 'MM_ENGINE_CLIENT_CERT',
        message: expect.stringContaining('not signed by our CA'),
        hint: hinting('regenerate-certs --client-certs host1'),
      });
    });

    it(`is CERT_EXPIRED when ours has expired, in ${version}`, async () => {
      const port = await running(tlsEngine(certs.server, certs.ca, handler, max));
      expect(await failure(tlsEndpoint(port, certs.ca, certs.oldClient))).toMatchObject({
        code: 'MM_ENGINE_CERT_EXPIRED',
        message: expect.stringMatching(/^Our client certificate has expired \(on 20\d\d-\d\d-\d\d\)$/),
        hint: hinting('regenerate-certs --client-certs host1'),
      });
    });
  }

  it('tells the dates of the certificate that the engine showed', async () => {
    const port = await running(tlsEngine(certs.server, certs.ca, handler));
    const engine = createEngineClient(tlsEndpoint(port, certs.ca, certs.client), {
      machineName: 'host1',
      clock,
    });
    cleanups.push(() => engine.close());
    expect(engine.serverCertificate()).toBeUndefined();
    await engine.ping();
    const { notBefore, notAfter } = describeCertificate(certs.server.cert);
    expect(engine.serverCertificate()).toEqual({ notBefore, notAfter });
  });

  it('is CLIENT_CERT when our own files are damaged', async () => {
    const port = await running(tlsEngine(certs.server, certs.ca, handler));
    const swapped = { cert: certs.client.cert, key: certs.otherClient.key };
    const damaged = { cert: certs.client.cert.slice(0, 300), key: certs.client.key };
    for (const pair of [swapped, damaged]) {
      expect(await failure(tlsEndpoint(port, certs.ca, pair))).toMatchObject({
        code: 'MM_ENGINE_CLIENT_CERT',
      });
    }
  });

  it('is NOT_TLS when plain HTTP answers', async () => {
    const port = await running(plainEngine(handler));
    expect(await failure(tlsEndpoint(port, certs.ca, certs.client))).toMatchObject({
      code: 'MM_ENGINE_NOT_TLS',
      hint: hinting('provision host1'),
    });
  });

  it('is TLS_ONLY when a Go server tells a plain client so', async () => {
    const words = 'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n';
    const port = await running(rawServer((socket) => socket.once('data', () => socket.end(words))));
    expect(await failure({ kind: 'tcp', host: '127.0.0.1', port })).toMatchObject({
      code: 'MM_ENGINE_TLS_ONLY',
    });
  });

  it.each([
    [
      'to another protocol',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n',
    ],
    ['without saying to which', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    [
      'and talks on',
      'HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
    ],
  ])('is PROTOCOL when the engine switches %s', async (_, words) => {
    const port = await running(rawServer((socket) => socket.once('data', () => socket.write(words))));
    expect(await failure({ kind: 'tcp', host: '127.0.0.1', port }, 2000)).toMatchObject({
      code: 'MM_ENGINE_PROTOCOL',
      hint: hinting('url host1'),
    });
  });

  describe.runIf(process.platform === 'linux')('without anybody who takes the connection', () => {
    it('is TIMEOUT after the time for a connection, not for an answer', async () => {
      const { port, close } = await fullListener();
      cleanups.push(close);
      const { sleeps, clock: at } = ownClock((ms) => ms === 3000);
      const outcome = await failure({ kind: 'tcp', host: '127.0.0.1', port }, 20_000, at);
      expect(outcome).toMatchObject({
        code: 'MM_ENGINE_TIMEOUT',
        message: `Nobody took the connection to tcp://127.0.0.1:${port} within 3 s`,
        hint: hinting('status host1'),
      });
      expect(sleeps).toContain(3000);
    });

    it('waits for it as long as it is told, and longer than for an answer', async () => {
      const { port, close } = await fullListener();
      cleanups.push(close);
      const { clock: at } = ownClock((ms) => ms === 60_000 || ms === 20_000);
      expect(await failure({ kind: 'tcp', host: '127.0.0.1', port }, 20_000, at, 60_000)).toMatchObject({
        message: `Nobody took the connection to tcp://127.0.0.1:${port} within 60 s`,
      });
    });
  });

  it('keeps its whole time for an engine that took the connection and says nothing', async () => {
    const { clock: at, end } = ownClock(() => false);
    const port = await running(rawServer((socket) => socket.once('data', () => end(20_000))));
    expect(await failure({ kind: 'tcp', host: '127.0.0.1', port }, 20_000, at)).toMatchObject({
      code: 'MM_ENGINE_TIMEOUT',
      message: expect.stringContaining('did not answer within 20 s'),
    });
  });

  it('is PROTOCOL when the connection is cut, and has a hint', async () => {
    const port = await running(rawServer((socket) => socket.once('data', () => socket.destroy())));
    for (const endpoint of [
      { kind: 'tcp', host: '127.0.0.1', port } as const,
      tlsEndpoint(port, certs.ca, certs.client),
    ]) {
      expect(await failure(endpoint)).toMatchObject({
        code: 'MM_ENGINE_PROTOCOL',
        hint: hinting('ssh host1'),
      });
    }
  });

  it('keeps the error of the one who opens the stream', async () => {
    const open = () => Promise.reject(engineError('MM_ENGINE_NAME', { message: 'no way in' }));
    expect(await failure({ kind: 'stream', open })).toMatchObject({
      code: 'MM_ENGINE_NAME',
      message: 'no way in',
    });
  });
});

// OpenSSL's own server sends real alerts, as dockerd does and Node's does not.
if (spawnSync('openssl', ['version']).status === 0) {
  describe('an alert about our certificate', () => {
    async function sServer(version: string, trusted: KeyPair, more: readonly string[] = []): Promise<number> {
      const dir = mkdtempSync(join(tmpdir(), 'mymachine-engine-'));
      const file = (name: string, text: string) => {
        writeFileSync(join(dir, name), text);
        return join(dir, name);
      };
      const free = await rawServer(() => {});
      await free.close();
      const child: ChildProcess = spawn(
        'openssl',
        [
          ['s_server', '-accept', `127.0.0.1:${free.port}`, `-${version}`, '-quiet', '-www'],
          ['-cert', file('cert.pem', certs.server.cert), '-key', file('key.pem', certs.server.key)],
          ['-CAfile', file('ca.pem', trusted.cert), '-Verify', '2', '-verify_return_error'],
          more,
        ].flat(),
        { stdio: 'ignore' },
      );
      cleanups.push(() => {
        child.kill();
        rmSync(dir, { recursive: true, force: true });
      });
      for (let attempt = 0; attempt < 100; attempt++) {
        const up = await new Promise<boolean>((resolve) => {
          const socket = connect(free.port, '127.0.0.1');
          socket.once('connect', () => socket.destroy() && resolve(true));
          socket.once('error', () => setTimeout(() => resolve(false), 50));
        });
        if (up) break;
      }
      return free.port;
    }

    for (const version of ['tls1_3', 'tls1_2']) {
      it(`is told from the others in ${version}`, { timeout: 60_000 }, async () => {
        const port = await sServer(version, certs.ca);
        const codes: (string | undefined)[] = [];
        for (const client of [nobody, certs.otherClient, certs.oldClient]) {
          codes.push((await failure(tlsEndpoint(port, certs.ca, client)))?.code);
        }
        expect(codes).toEqual(['MM_ENGINE_CLIENT_CERT', 'MM_ENGINE_CLIENT_CERT', 'MM_ENGINE_CERT_EXPIRED']);
      });

      it(`says that ours is not one for clients in ${version}`, { timeout: 60_000 }, async () => {
        const port = await sServer(version, certs.ca);
        expect(await failure(tlsEndpoint(port, certs.ca, certs.server))).toMatchObject({
          code: 'MM_ENGINE_CLIENT_CERT',
          message: expect.stringMatching(/refused our client certificate: it is not one for clients$/),
          hint: hinting('regenerate-certs --client-certs host1'),
        });
      });

      it(`tells that the host's clock is wrong when it is ahead in ${version}`, {
        timeout: 60_000,
      }, async () => {
        const ahead = String(Math.floor((Date.now() + 1100 * day) / 1000));
        const port = await sServer(version, certs.ca, ['-attime', ahead]);
        expect(await failure(tlsEndpoint(port, certs.ca, certs.client))).toMatchObject({
          code: 'MM_ENGINE_CLOCK',
          message: expect.stringMatching(
            new RegExp(
              `though it is valid from ${dayOf(0)} .* to ${dayOf(1080)} .*: the clock of the host is wrong$`,
            ),
          ),
          hint: hinting('ssh host1 date -u'),
        });
      });

      it(`says so where the host's clock may be behind in ${version}`, { timeout: 60_000 }, async () => {
        const behind = String(Math.floor((Date.now() - day) / 1000));
        const port = await sServer(version, certs.ca, ['-attime', behind]);
        expect(await failure(tlsEndpoint(port, certs.ca, certs.client))).toMatchObject({
          message: expect.stringMatching(/clock/),
          hint: hinting('ssh host1 date -u'),
        });
      });

      it(`tells that the engine trusts another CA in ${version}`, { timeout: 60_000 }, async () => {
        const port = await sServer(version, certs.otherCa);
        expect(await failure(tlsEndpoint(port, certs.ca, certs.client))).toMatchObject({
          code: 'MM_ENGINE_CLIENT_CERT',
          message: expect.stringContaining('it trusts another CA'),
          hint: hinting('regenerate-certs host1'),
        });
      });
    }
  });
}
