import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { basename, join } from 'node:path';
import type { Argv, RunOptions, RunResult } from '../../../src/base/ports.ts';
import { fateOf, identify, type ProcessIdentity } from '../../../src/base/process-identity.ts';
import { chooseAccel } from '../../../src/drivers/qemu/accelerator.ts';
import { buildShim } from '../build-shim.ts';
import { testPorts } from '../ports.ts';
import { testCacheDir } from '../testbed.ts';
import { CallHandler, type CallHandlerOptions, type Injection } from './call-handler.ts';
import { DhcpService } from './dhcp.ts';
import { openNamespaces } from './namespaces.ts';
import { ensureRoot } from './root-file-system.ts';

const HOME = '/var/tmp';
const PREFIX = 'mymachine-vbox-';
const OWNER = 'owner.json';

/** Default: the module is loaded, no wrapper, 300 ms of dying. */
export interface VirtualBoxOptions {
  /**
   * Without it /dev/vboxdrv is missing and startvm fails,
   * as with a kernel that VirtualBox has no module for.
   */
  readonly kernelModule?: boolean;
  /** Debian's wrapper says on stdout, at every call, that the module is missing. */
  readonly wrapperWarning?: boolean;
  /**
   * For how long after a machine's process has ended
   * showvminfo fails and the machine counts as locked.
   */
  readonly dyingMs?: number;
}

/**
 * A VirtualBox of a test's own: the real VBoxManage 7.2 with settings, server, and
 * network of its own, whose machines are started with QEMU. Its host-only adapters and
 * its machines' forwards to 127.0.0.1 are in a network namespace, so whatever is to
 * reach them, the tested program first of all, is run behind `enter`. Calls are answered
 * by this process: it must not wait for the tested program by blocking (spawnSync).
 */
export interface VirtualBoxTestbed {
  /** For the tested program: VBoxManage is first in PATH, and named by VBOX_INSTALL_PATH. */
  readonly env: Readonly<Record<string, string>>;
  /** Prefix of commands: `[...vbox.enter, program, ...args]`. The working directory becomes /. */
  readonly enter: Argv;
  /** A folder that goes with the testbed. */
  readonly folder: string;
  /** VBoxManage, as the tested program calls it. */
  manage(args: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** The same, whose failure fails the test; gives stdout. */
  must(args: readonly string[]): Promise<string>;
  /** Any program behind `enter`. */
  run(argv: Argv, options?: RunOptions): Promise<RunResult>;
  /** The next call that begins with these arguments gets this answer instead of being done. */
  inject(injection: Injection): void;
  /** Kills the process of a machine, which then is `aborted`. */
  crash(machine: string): Promise<void>;
  /** Ends all its processes and removes all it made; safe to call twice. */
  close(): Promise<void>;
}

/**
 * Needs root on Debian, and mmdebstrap and QEMU. What a
 * killed run leaves on disk is swept by the next one.
 */
export async function startVirtualBox(options: VirtualBoxOptions = {}): Promise<VirtualBoxTestbed> {
  const ports = testPorts();
  const { kernelModule = true, wrapperWarning = false, dyingMs = 300 } = options;
  const [root, accel] = await Promise.all([
    ensureRoot(ports, testCacheDir),
    chooseAccel(ports, testCacheDir, 'x86_64'),
  ]);
  const folder = await mkdtemp(join(HOME, PREFIX));
  await writeFile(join(folder, OWNER), JSON.stringify(await identify(process.pid)));
  const [bin, userHome, data] = ['bin', 'home', 'data'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await Promise.all([bin, userHome, data].map((path) => mkdir(path)));
  const namespaces = await openNamespaces(root, folder, kernelModule);
  const deps = { ...ports, namespaces, accel, folder };
  const environment = [
    `VBOX_USER_HOME=${userHome}`,
    `VBOX_IPC_SOCKETID=${basename(folder)}`,
    `HOME=${data}`,
    'LC_ALL=C.UTF-8',
  ];
  const handlerOptions: CallHandlerOptions = { kernelModule, wrapperWarning, dyingMs };
  const handler = new CallHandler(
    deps,
    new DhcpService(namespaces, folder, userHome),
    handlerOptions,
    environment,
  );
  const server = await listen(join(folder, 'calls.sock'), handler);
  const manager = join(bin, 'VBoxManage');
  await buildShim(join(import.meta.dirname, 'shim.ts'), manager, { SOCKET: join(folder, 'calls.sock') });

  const run = (argv: Argv, runOptions?: RunOptions) =>
    ports.programs.run([...namespaces.outer, ...argv], runOptions);
  const manage = (args: readonly string[], runOptions?: RunOptions) =>
    ports.programs.run([manager, ...args], runOptions);
  return {
    env: { PATH: `${bin}:${process.env['PATH']}`, VBOX_INSTALL_PATH: bin },
    enter: namespaces.outer,
    folder: data,
    run,
    manage,
    must: async (args) => {
      const result = await manage(args);
      if (result.exitCode !== 0)
        throw new Error(`VBoxManage ${args.join(' ')}: ${result.exitCode}\n${result.stderr}${result.stdout}`);
      return result.stdout;
    },
    inject: (injection) => handler.inject(injection),
    crash: async (machine) => {
      const guest = handler.guest(machine);
      if (guest === undefined) throw new Error(`No machine ${machine} is running`);
      await guest.crash();
    },
    close: async () => {
      server.close();
      await handler.close();
      await namespaces.close();
      await removeFolder(folder);
    },
  };
}

/** What testbeds of killed runs left; their processes are gone, for they die with the run. */
export async function sweepVirtualBoxes(): Promise<void> {
  for (const entry of (await readdir(HOME)).filter((name) => name.startsWith(PREFIX))) {
    const folder = join(HOME, entry);
    const text = await readFile(join(folder, OWNER), 'utf8').catch(() => '');
    if (text !== '' && (await fateOf(JSON.parse(text) as ProcessIdentity)) === 'dead')
      await removeFolder(folder);
  }
}

async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await rm(`/tmp/.vbox-${basename(folder)}-ipc`, { recursive: true, force: true });
}

function listen(path: string, handler: CallHandler): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk) => (text += chunk));
    socket.on('error', () => undefined);
    socket.on('end', async () => {
      const { args, cwd } = JSON.parse(text) as { args: readonly string[]; cwd: string };
      const reply = await handler.reply(args, cwd).catch((error: unknown) => ({
        exitCode: 1,
        stderr: `The testbed failed: ${String(error)}\n`,
      }));
      socket.end(JSON.stringify(reply));
    });
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve(server));
  });
}
