import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DescribeVpcsCommand } from '@aws-sdk/client-ec2';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { withApi } from '../../../../src/drivers/amazonec2/api/api.ts';
import { amazonec2Driver } from '../../../../src/drivers/amazonec2/driver.ts';
import { driverContext } from '../../../testbed/driver-context.ts';
import { testPorts } from '../../../testbed/ports.ts';

/** An endpoint that takes connections and never says a word. */
let silent: Server;
let folder: string;
const sockets = new Set<Socket>();
let heard: () => void = () => undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mm-ec2-'));
  silent = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('data', () => heard());
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  vi.useRealTimers();
  for (const socket of sockets) socket.destroy();
  silent.close();
  await rm(folder, { recursive: true, force: true });
});

async function askSilence(signal?: AbortSignal): Promise<unknown> {
  const context = await driverContext(amazonec2Driver, {
    ports: testPorts([], signal),
    storeDir: folder,
    cacheDir: folder,
    name: 'h1',
    flags: {
      'amazonec2-endpoint': `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
      'amazonec2-region': 'us-east-1',
      'amazonec2-access-key': 'AKIATESTBED0000',
      'amazonec2-secret-key': 's',
      'amazonec2-retries': -1,
    },
  });
  return withApi(context, (api) => api.ask((ec2) => ec2.send(new DescribeVpcsCommand({})))).catch(
    (error: unknown) => error,
  );
}

test('an endpoint that takes a call and does not answer is given up in time', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const asked = new Promise<void>((resolve) => {
    heard = resolve;
  });
  const outcome = askSilence();
  await asked;
  await vi.advanceTimersByTimeAsync(30_000);
  expect(await outcome).toMatchObject({ code: 'MM_EC2_UNREACHABLE' });
});

test('an interruption ends a question at once, with the reason of the interruption', async () => {
  const controller = new AbortController();
  const reason = new Error('SIGTERM');
  heard = () => controller.abort(reason);
  expect(await askSilence(controller.signal)).toBe(reason);
});
