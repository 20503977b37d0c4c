import { createServer } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isPortFree, takeFreePorts } from '../../../../src/base/net.ts';
import { type Forward, hostForward, parsePublish } from '../../../../src/drivers/qemu/config.ts';

test.each<[string, Forward]>([
  ['8080:80', { host: 8080, guest: 80, protocol: 'tcp' }],
  [':80', { host: 0, guest: 80, protocol: 'tcp' }],
  ['0:80', { host: 0, guest: 80, protocol: 'tcp' }],
  ['80', { host: 0, guest: 80, protocol: 'tcp' }],
  ['5353:53/udp', { host: 5353, guest: 53, protocol: 'udp' }],
  ['53/udp', { host: 0, guest: 53, protocol: 'udp' }],
])('%s is understood', (text, expected) => {
  expect(parsePublish(text)).toEqual(expected);
});

test.each([
  '',
  '80:',
  'a:b',
  '70000:80',
  '80:70000',
  '80:0',
  '0.0.0.0:80:80',
  '80:80/sctp',
  '80:80,hostfwd=tcp::1-:1',
])('%j is refused', (text) => {
  expect(parsePublish(text)).toBeUndefined();
});

test('whatever is accepted, the guest is reached through 127.0.0.1 alone', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const forward = parsePublish(text);
      if (forward === undefined) return;
      expect(hostForward(forward)).toMatch(/^hostfwd=(tcp|udp):127\.0\.0\.1:\d{1,5}-:\d{1,5}$/);
    }),
  );
});

test('free ports are all different, fixed ones stay, and each is free when it is given', async () => {
  const wished: Forward[] = [1, 2, 3, 4, 5].map((guest) => ({ host: 0, guest, protocol: 'tcp' }));
  const taken = await takeFreePorts([...wished, { host: 0, guest: 53, protocol: 'udp' }]);
  expect(new Set(taken.map(({ host }) => host)).size).toBe(6);
  const [first] = taken;
  expect(await isPortFree(first?.host ?? 0)).toBe(true);
  expect(await takeFreePorts([{ host: first?.host ?? 0, guest: 1, protocol: 'tcp' }])).toEqual([first]);
});

test('a port in use is told, and cannot be had', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  expect(await isPortFree(port)).toBe(false);
  await expect(takeFreePorts([{ host: port, guest: 80, protocol: 'tcp' }])).rejects.toMatchObject({
    code: 'EADDRINUSE',
  });
  await new Promise((resolve) => server.close(resolve));
  expect(await isPortFree(port)).toBe(true);
});
