import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bytesRead, qmp, qmpPath } from '../../../../src/drivers/qemu/process/qmp.ts';

let folder = '';
let server: Server;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'qmp-'));
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

const GREETING = '{"QMP": {"version": {}, "capabilities": []}}\r\n';

/** A QEMU monitor: greets, and answers each command by `answer`. */
async function monitor(answer: (command: string, id: unknown) => string, greet = true): Promise<string> {
  const path = join(folder, 's');
  server = createServer((socket: Socket) => {
    if (greet) socket.write(GREETING);
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      for (const line of data.toString().trim().split('\n')) {
        const { execute, id } = JSON.parse(line) as { execute: string; id?: unknown };
        socket.write(execute === 'qmp_capabilities' ? '{"return": {}}\r\n' : answer(execute, id));
      }
    });
  }).listen(path);
  await new Promise((resolve) => server.once('listening', resolve));
  return path;
}

test('a command is answered, whatever events come in between and however the lines are cut', async () => {
  const path = await monitor(
    (command, id) => `{"event": "RESUME"}\r\n{"return": {"status": "${command}"}, "id": ${id}}\r\n`,
  );
  expect(await qmp(path, 'query-status')).toEqual({ status: 'query-status' });
});

test('an error of QEMU’s is thrown with its words', async () => {
  const path = await monitor(
    (_, id) => `{"error": {"class": "CommandNotFound", "desc": "no such"}, "id": ${id}}\r\n`,
  );
  await expect(qmp(path, 'nonsense')).rejects.toThrow('no such');
});

test('a monitor that is busy with another client, or talks nonsense, gives no answer within the time', async () => {
  expect(await qmp(await monitor(() => '', false), 'query-status', 100)).toBeUndefined();
  await new Promise((resolve) => server.close(resolve));
  expect(await qmp(await monitor(() => 'not json\r\n[]\r\n'), 'query-status', 100)).toBeUndefined();
});

test('nobody at the socket gives no answer at once', async () => {
  await monitor(() => '');
  expect(await qmp(join(folder, 'none'), 'query-status', 60_000)).toBeUndefined();
});

test('what all disks have read is added up', async () => {
  const path = await monitor(
    (_, id) =>
      `{"return": [{"stats": {"rd_bytes": 1000}}, {"stats": {"rd_bytes": 24}}, {}], "id": ${id}}\r\n`,
  );
  expect(await bytesRead(path)).toBe(1024);
});

test('a socket lies with the machine while its path is short enough for one', async () => {
  await monitor(() => '');
  expect(qmpPath('/store/machines/host1', 'id', 'linux')).toBe('/store/machines/host1/qmp.sock');
  const long = qmpPath(`/${'deep/'.repeat(30)}`, '11111111-2222-3333-4444-555555555555', 'linux');
  expect(long).toMatch(/^\/tmp\/mymachine-\d+\/11111111-2222-3333-4444-555555555555\.sock$/);
  expect(qmpPath('C:\\store', 'id', 'win32')).toBe('\\\\.\\pipe\\mymachine-id');
});
