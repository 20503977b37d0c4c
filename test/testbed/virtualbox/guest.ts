import { type ChildProcess, spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Argv, Clock, Programs } from '../../../src/base/ports.ts';
import { lastLines } from '../../../src/base/printable.ts';
import { waitFor } from '../../../src/base/wait.ts';
import type { AccelChoice } from '../../../src/drivers/qemu/accelerator.ts';
import { guestArgv } from './guest-argv.ts';
import type { Forward, Hardware } from './hardware.ts';
import type { Namespaces } from './namespaces.ts';
import { QmpClient } from './qmp-client.ts';

export interface GuestDeps {
  readonly clock: Clock;
  readonly programs: Programs;
  readonly namespaces: Namespaces;
  readonly accel: AccelChoice;
  /** Folder of the testbed. */
  readonly folder: string;
}

/** How a guest's process ended: switched off, or killed. */
export type GuestEnd = 'poweroff' | 'aborted';

/** A QEMU process that runs what VirtualBox describes. */
export class Guest {
  readonly ended: Promise<GuestEnd>;
  readonly #deps: GuestDeps;
  #hardware: Hardware;
  readonly #child: ChildProcess;
  readonly #qmp: QmpClient;
  #paused = false;
  #since: number;

  private constructor(
    deps: GuestDeps,
    hardware: Hardware,
    child: ChildProcess,
    qmp: QmpClient,
    exit: Promise<number | null>,
  ) {
    this.#deps = deps;
    this.#hardware = hardware;
    this.#since = deps.clock.now();
    this.#child = child;
    this.#qmp = qmp;
    this.ended = exit.then(async (code) => {
      qmp.close();
      await removeTaps(deps, hardware);
      return code === 0 ? 'poweroff' : 'aborted';
    });
  }

  /** Resolves when QEMU runs the guest; rejects with QEMU's last words when it does not. */
  static async start(deps: GuestDeps, hardware: Hardware): Promise<Guest> {
    const { clock, namespaces, accel, folder } = deps;
    const qmpPath = join(folder, `${hardware.uuid}.qmp`);
    await rm(qmpPath, { force: true });
    const taps = await makeTaps(deps, hardware);
    const argv = guestArgv(hardware, accel, { qmpPath, taps });
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...namespaces.outer, ...argv], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr = (stderr + text).slice(-10_000);
    });
    let gone = false;
    const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
    void exit.then(() => (gone = true));
    const client = await waitFor<QmpClient | 'gone'>(
      async () => (gone ? 'gone' : await QmpClient.connect(qmpPath).catch(() => undefined)),
      { clock, timeoutMs: 30_000, intervalMs: 50 },
    );
    if (client === undefined || client === 'gone') {
      child.kill('SIGKILL');
      await exit;
      await removeTaps(deps, hardware);
      throw new Error(lastLines(stderr, 1, 300) || 'QEMU did not start');
    }
    const guest = new Guest(deps, hardware, child, client, exit);
    await guest.#connect();
    return guest;
  }

  get hardware(): Hardware {
    return this.#hardware;
  }

  /** Since when it runs, in milliseconds since the epoch. */
  get since(): number {
    return this.#since;
  }

  get state(): 'running' | 'paused' {
    return this.#paused ? 'paused' : 'running';
  }

  async pause(): Promise<void> {
    await this.#qmp.run('stop');
    this.#paused = true;
  }

  async resume(): Promise<void> {
    await this.#qmp.run('cont');
    this.#paused = false;
  }

  async pressPowerButton(): Promise<void> {
    await this.#qmp.run('system_powerdown');
  }

  async reset(): Promise<void> {
    await this.#qmp.run('system_reset');
  }

  async powerOff(): Promise<void> {
    await this.#qmp.run('quit').catch(() => undefined);
    await this.ended;
  }

  /** As when the process is killed. */
  async crash(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  /**
   * Stops the guest and takes its local ports away, as if its state were saved: QEMU cannot
   * save the state of one whose disk is VirtualBox's or VMware's, so the process stays.
   */
  async saveState(): Promise<void> {
    await this.#qmp.run('stop');
    for (const { slot, forwards } of this.hardware.nics)
      for (const forward of forwards) await this.removeForward(slot, forward);
  }

  /** @param hardware with the forwards as they are meanwhile. */
  async restoreState(hardware: Hardware): Promise<void> {
    this.#hardware = hardware;
    await this.#connect();
    await this.resume();
    this.#since = this.#deps.clock.now();
  }

  async addForward(slot: number, forward: Forward): Promise<void> {
    // As in VirtualBox, a port that is taken is no
    // failure of the machine: the forward does not work.
    const { protocol, hostIp, hostPort, guestIp, guestPort } = forward;
    await this.#qmp.monitor(
      `hostfwd_add net${slot} ${protocol}:${hostIp}:${hostPort}-${guestIp}:${guestPort}`,
    );
  }

  async removeForward(slot: number, { protocol, hostIp, hostPort }: Forward): Promise<void> {
    await this.#qmp.monitor(`hostfwd_remove net${slot} ${protocol}:${hostIp}:${hostPort}`);
  }

  async setLink(slot: number, up: boolean): Promise<void> {
    await this.#qmp.run('set_link', { name: `nic${slot}`, up });
  }

  async #connect(): Promise<void> {
    for (const { slot, connected, forwards } of this.hardware.nics) {
      await this.setLink(slot, connected);
      for (const forward of forwards) await this.addForward(slot, forward);
    }
  }
}

const hostOnly = ({ nics }: Hardware) => nics.filter(({ attachment }) => attachment === 'hostonly');

/** Fifteen characters is all that a link's name may have. */
const tapName = ({ uuid }: Hardware, slot: number) => `tap${uuid.replaceAll('-', '').slice(0, 9)}-${slot}`;

async function makeTaps(deps: GuestDeps, hardware: Hardware): Promise<ReadonlyMap<number, string>> {
  await removeTaps(deps, hardware);
  const taps = new Map<number, string>();
  for (const { slot, adapter } of hostOnly(hardware)) {
    const name = tapName(hardware, slot);
    await ip(deps, ['tuntap', 'add', name, 'mode', 'tap']);
    await ip(deps, ['link', 'set', name, 'master', adapter, 'up']);
    taps.set(slot, name);
  }
  return taps;
}

async function removeTaps(deps: GuestDeps, hardware: Hardware): Promise<void> {
  for (const { slot } of hostOnly(hardware))
    await ip(deps, ['link', 'delete', tapName(hardware, slot)]).catch(() => undefined);
}

async function ip({ programs, namespaces }: GuestDeps, args: readonly string[]): Promise<void> {
  const argv: Argv = [...namespaces.outer, 'ip', ...args];
  const result = await programs.run(argv);
  if (result.exitCode !== 0) throw new Error(`ip ${args.join(' ')}: ${result.stderr}`);
}
