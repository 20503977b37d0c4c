import { rm, rmdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { makeOwnFolder } from '../../../base/files.ts';
import { isObject } from '../../../base/json.ts';

/** sun_path has 108 bytes on Linux and 104 on macOS, with a zero at the end. */
const MAX_SOCKET_PATH = 100;
const SHORT_FOLDER = '/tmp/mymachine-';
const MAX_ANSWER_BYTES = 1024 * 1024;

/** The guest's QMP socket: in the machine's folder, or if that path is too long, under /tmp. */
export function qmpPath(dir: string, id: string, platform: NodeJS.Platform = process.platform): string {
  if (platform === 'win32') return `\\\\.\\pipe\\mymachine-${id}`;
  const own = join(dir, 'qmp.sock');
  if (Buffer.byteLength(own) <= MAX_SOCKET_PATH) return own;
  return `${SHORT_FOLDER}${process.getuid?.() ?? 0}/${id}.sock`;
}

/** Makes the folder of a socket under /tmp. One of another user's is refused. */
export async function prepareQmpFolder(path: string): Promise<void> {
  if (path.startsWith(SHORT_FOLDER)) await makeOwnFolder(dirname(path));
}

/** Removes the socket of a guest that is gone, and its folder under /tmp once that is empty. */
export async function removeQmpSocket(path: string): Promise<void> {
  await rm(path, { force: true });
  if (path.startsWith(SHORT_FOLDER)) await rmdir(dirname(path)).catch(() => undefined);
}

/**
 * Runs one command of the QEMU machine protocol and gives what it returns.
 * undefined when nobody answers in time, as while another client is connected.
 * @throws the answer, when it is an error
 */
export function qmp(path: string, command: string, timeoutMs = 2000): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let text = '';
    const finish = (settle: () => void) => {
      socket.destroy();
      settle();
    };
    socket.setTimeout(timeoutMs, () => finish(() => resolve(undefined)));
    socket.on('error', () => finish(() => resolve(undefined)));
    socket.on('close', () => finish(() => resolve(undefined)));
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > MAX_ANSWER_BYTES) return finish(() => resolve(undefined));
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) {
        const message = parse(line);
        if ('QMP' in message) {
          // The greeting. Both commands go at once; the answers come in order, with our id.
          socket.write(`{"execute":"qmp_capabilities"}\n${JSON.stringify({ execute: command, id: 1 })}\n`);
        } else if (message['id'] === 1) {
          const error = message['error'];
          if (isObject(error))
            finish(() => reject(new Error(`QEMU: ${String(error['desc']).slice(0, 300)}`)));
          else finish(() => resolve(message['return']));
          return;
        }
      }
    });
  });
}

function parse(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** Bytes that the guest has read from its disks so far; 0 when QEMU does not say. */
export async function bytesRead(path: string): Promise<number> {
  const devices = await qmp(path, 'query-blockstats').catch(() => undefined);
  if (!Array.isArray(devices)) return 0;
  return devices.reduce((sum: number, device: unknown) => {
    const stats = isObject(device) ? device['stats'] : undefined;
    const read = isObject(stats) ? stats['rd_bytes'] : undefined;
    return sum + (typeof read === 'number' ? read : 0);
  }, 0);
}
