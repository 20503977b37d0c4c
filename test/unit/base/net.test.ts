import { createServer, isIP, type Server, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import {
  accepts,
  bracketed,
  hasSshBanner,
  ipVersion,
  isPortFree,
  takeFreePorts,
} from '../../../src/base/net.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

function listen(greet: (socket: Socket) => void): Promise<number> {
  const server = createServer(greet);
  servers.push(server);
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
  );
}

async function freePort(): Promise<number> {
  const [free] = await takeFreePorts([{ host: 0, protocol: 'tcp' }]);
  return free?.host ?? 0;
}

test('an IPv6 address stands in brackets before a port, a name and an IPv4 address do not', () => {
  expect(['::1', 'fe80::1%eth0', '192.0.2.1', 'host.example'].map(bracketed)).toEqual([
    '[::1]',
    '[fe80::1%eth0]',
    '192.0.2.1',
    'host.example',
  ]);
});

test('a port accepts where something listens', async () => {
  const port = await listen((socket) => socket.destroy());
  expect(await accepts('127.0.0.1', port, { timeoutMs: 5000 })).toBe(true);
  expect(await accepts('127.0.0.1', await freePort(), { timeoutMs: 5000 })).toBe(false);
  expect(await accepts('no-such-host.invalid', 22, { timeoutMs: 5000 })).toBe(false);
});

test('asking ends with its signal', async () => {
  const port = await listen(() => undefined);
  const signal = AbortSignal.abort();
  expect(await accepts('127.0.0.1', port, { timeoutMs: 60_000, signal })).toBe(false);
});

test('only the words of an SSH server count as one', async () => {
  const sshd = await listen((socket) => void socket.write('SSH-2.0-OpenSSH_9.2\r\n'));
  const web = await listen((socket) => void socket.write('HTTP/1.1 400 Bad Request\r\n'));
  const closing = await listen((socket) => socket.destroy());
  const silent = await listen(() => undefined);
  expect(await hasSshBanner(sshd, 5000)).toBe(true);
  expect(await hasSshBanner(web, 5000)).toBe(false);
  expect(await hasSshBanner(closing, 5000)).toBe(false);
  expect(await hasSshBanner(silent, 50)).toBe(false);
  expect(await hasSshBanner(await freePort(), 5000)).toBe(false);
});

test('free ports are all different, and a taken one is not free', async () => {
  const forwards = await takeFreePorts(
    Array.from({ length: 8 }, () => ({ host: 0, protocol: 'tcp' as const })),
  );
  expect(new Set(forwards.map(({ host }) => host)).size).toBe(8);
  const port = await listen(() => undefined);
  expect(await isPortFree(port)).toBe(false);
  expect(await isPortFree(port, 'udp')).toBe(true);
});

test('addresses are told from other texts as node:net tells them', () => {
  const near = fc.string({ unit: fc.constantFrom(...'0123456789abcdfF:.%[]/ -g'), maxLength: 24 });
  const octets = fc.array(fc.integer({ min: 0, max: 300 }).map(String), { minLength: 3, maxLength: 5 });
  const texts = fc.oneof(
    near,
    fc.ipV4(),
    fc.ipV6(),
    octets.map((parts) => parts.join('.')),
    fc.string(),
  );
  const named = [
    '::',
    '::1',
    '1::',
    '::ffff:192.0.2.1',
    'fe80::1%eth0',
    'fe80::1%',
    '01.2.3.4',
    '1.2.3',
    ':',
    '1:2',
  ];
  for (const text of named) expect([text, ipVersion(text)]).toEqual([text, isIP(text)]);
  fc.assert(
    fc.property(texts, (text) => ipVersion(text) === isIP(text)),
    { numRuns: 20_000 },
  );
});
