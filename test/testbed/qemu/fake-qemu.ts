import { mkdir, readFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buildShim } from '../build-shim.ts';
import { type CallMonitor, reportingSshd } from '../call-monitor.ts';
import { type InstanceHost, prepareHost } from '../cloud-host.ts';
import { testPorts } from '../ports.ts';
import { removeTestbed, testbedFolder } from '../testbed.ts';

/**
 * A QEMU whose guests are containers, which boot in
 * seconds; they read the seed as guests do, by cloud-init.
 */
export interface FakeQemu {
  /** For the tested program: QEMU's programs are first in PATH. */
  readonly env: Readonly<Record<string, string>>;
  /** Ids of the machines whose guests are there; none that is being removed. */
  settled(): Promise<readonly string[]>;
  /** How many guests have been started for a machine so far. */
  startsOf(id: string): number;
  close(): Promise<void>;
}

const SECTOR = 2048;

/**
 * A file of a seed by what it begins with: files of an ISO
 * image lie in whole sectors, one after the other (ECMA-119).
 */
function fileIn(iso: Buffer, beginning: string): Buffer {
  for (let at = 0; at < iso.length; at += SECTOR) {
    if (iso.toString('latin1', at, at + beginning.length) !== beginning) continue;
    const end = iso.indexOf(0, at);
    return iso.subarray(at, end < 0 ? undefined : end);
  }
  throw new Error(`The seed has no file that begins with ${beginning}`);
}

export async function startFakeQemu(monitor: CallMonitor): Promise<FakeQemu> {
  const ports = testPorts();
  const storeDir = await testbedFolder();
  const bin = join(storeDir, 'bin');
  const guests = join(storeDir, 'guests.sock');
  await mkdir(bin);
  for (const name of ['qemu-img', 'qemu-system-x86_64'])
    await buildShim(join(import.meta.dirname, 'shim.ts'), join(bin, name), {
      MONITOR: monitor.port,
      GUESTS: guests,
    });
  const hosts = new Map<string, InstanceHost>();
  const starts = new Map<string, number>();
  const work = new Set<Promise<unknown>>();
  const keep = (promise: Promise<unknown>) => {
    work.add(promise);
    const forget = () => work.delete(promise);
    promise.then(forget, forget);
  };

  async function start(id: string, seed: string): Promise<InstanceHost> {
    const iso = await readFile(seed);
    starts.set(id, (starts.get(id) ?? 0) + 1);
    const host = await prepareHost(storeDir, {
      instanceId: id,
      publicKey: undefined,
      userData: fileIn(iso, '#cloud-config'),
      files: reportingSshd(monitor.port),
    });
    hosts.set(id, host);
    keep(host.boot().catch(() => undefined));
    return host;
  }

  function serve(socket: Socket): void {
    let guest: { id: string; host: InstanceHost } | undefined;
    const end = () => {
      if (guest === undefined) return;
      const { id, host } = guest;
      guest = undefined;
      keep(host.terminate().then(() => hosts.delete(id)));
    };
    // A guest ends with the process that carries it.
    socket.on('error', end).on('close', end);
    createInterface({ input: socket }).on('line', async (line) => {
      if (line === 'powerdown') {
        await guest?.host.stop();
        socket.write('off\n');
        return;
      }
      const { id, seed } = JSON.parse(line.replace(/^start /, ''));
      guest = { id, host: await start(id, seed) };
      if (socket.destroyed) return end();
      socket.write(`${guest.host.address()}\n`);
    });
  }

  const server = createServer(serve);
  await new Promise<void>((resolve) => server.listen(guests, resolve));
  const settle = async () => {
    while (work.size > 0) await Promise.all(work);
  };
  return {
    env: { PATH: `${bin}:${process.env['PATH']}` },
    settled: async () => {
      await settle();
      return [...hosts.keys()];
    },
    startsOf: (id) => starts.get(id) ?? 0,
    close: async () => {
      server.close();
      await settle();
      await removeTestbed(ports, storeDir);
    },
  };
}
