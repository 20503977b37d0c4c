import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../../src/base/machine-error.ts';
import type { Argv, RunResult } from '../../../src/base/ports.ts';
import * as answers from './answers.ts';
import { controlGuest } from './controlvm.ts';
import { type DhcpService, parseDhcpServers } from './dhcp.ts';
import { Guest, type GuestDeps, type GuestEnd } from './guest.ts';
import { type Hardware, hardwareOf, parseReport } from './hardware.ts';
import { isShared } from './namespaces.ts';
import { PROGRAMS_DIR } from './root-file-system.ts';
import type { Reply } from './shim.ts';
import { type LiveState, withState, withStates } from './showvminfo.ts';

export interface CallHandlerOptions {
  readonly kernelModule: boolean;
  readonly wrapperWarning: boolean;
  readonly dyingMs: number;
}

/** An answer to the next call that begins with these arguments. */
export interface Injection {
  readonly args: readonly string[];
  readonly answer: answers.Answer;
}

const REPORT_MS = 10_000;

interface EndedGuest {
  readonly end: GuestEnd | 'saved';
  readonly at: number;
}

/**
 * Answers calls of VBoxManage: what concerns a machine's process is answered here, all
 * else is the real program's. For that one each machine is always switched off or saved.
 */
export class CallHandler {
  readonly #deps: GuestDeps;
  readonly #dhcp: DhcpService;
  readonly #options: CallHandlerOptions;
  readonly #environment: readonly string[];
  readonly #guests = new Map<string, Guest>();
  readonly #starting = new Set<string>();
  readonly #ended = new Map<string, EndedGuest>();
  /** Guests whose state counts as saved. */
  readonly #saved = new Map<string, Guest>();
  readonly #injections: Injection[] = [];

  constructor(
    deps: GuestDeps,
    dhcp: DhcpService,
    options: CallHandlerOptions,
    environment: readonly string[],
  ) {
    this.#deps = deps;
    this.#dhcp = dhcp;
    this.#options = options;
    this.#environment = environment;
  }

  inject(injection: Injection): void {
    this.#injections.push(injection);
  }

  /** The process of a running machine, by name. */
  guest(name: string): Guest | undefined {
    return [...this.#guests.values()].find(({ hardware }) => hardware.name === name);
  }

  async close(): Promise<void> {
    const guests = [...this.#guests.values(), ...this.#saved.values()];
    await Promise.all(guests.map((guest) => guest.crash()));
  }

  async reply(args: readonly string[], cwd: string): Promise<Reply> {
    const index = this.#injections.findIndex((each) => each.args.every((arg, i) => arg === args[i]));
    const [injected] = index < 0 ? [] : this.#injections.splice(index, 1);
    const reply = injected?.answer ?? (await this.#answer(args)) ?? { run: this.#real(args, cwd) };
    if (!this.#options.wrapperWarning) return reply;
    return { ...reply, stdout: `${answers.WRAPPER_WARNING}${reply.stdout ?? ''}` };
  }

  /** undefined leaves it to the real program. */
  async #answer([command = '', ...rest]: readonly string[]): Promise<Reply | undefined> {
    const flags = rest.filter((arg) => arg.startsWith('-'));
    const [name = '', ...words] = rest.filter((arg) => !arg.startsWith('-'));
    switch (command) {
      case 'startvm':
        return this.#start(name);
      case 'controlvm':
        return this.#withGuest(name, (guest) =>
          controlGuest(guest, words, {
            real: (args) => this.#run(args),
            save: (to) => this.#save(to),
          }),
        );
      case 'showvminfo':
        return this.#show(name, flags.includes('--machinereadable'));
      case 'list':
        return this.#list(rest);
      case 'modifyvm':
      case 'storagectl':
        return this.#whileLocked(name, answers.lockedAgainstChange);
      case 'unregistervm': {
        const refused = await this.#whileLocked(name, answers.lockedAgainstRemoval);
        if (refused === undefined) await this.#forgetSaved(name);
        return refused;
      }
      case 'discardstate':
        await this.#forgetSaved(name);
        return undefined;
      case 'dhcpserver':
        if (name === 'findlease') await this.#dhcp.publishLeases();
        return undefined;
      default:
        return undefined;
    }
  }

  async #start(name: string): Promise<Reply | undefined> {
    const report = await this.#report(name);
    if (report === undefined) return undefined;
    const hardware = hardwareOf(report);
    const { uuid } = hardware;
    if (this.#guests.has(uuid) || this.#starting.has(uuid) || this.#isDying(uuid))
      return answers.alreadyRunning(hardware.name);
    if (!this.#options.kernelModule) return answers.endedUnexpectedly(hardware.name);
    this.#starting.add(uuid);
    try {
      return await this.#boot(hardware, report.get('VMState') === 'saved');
    } finally {
      this.#starting.delete(uuid);
    }
  }

  async #boot(hardware: Hardware, isSaved: boolean): Promise<Reply> {
    const { name, uuid } = hardware;
    if (hardware.efi) return answers.notSupported('EFI');
    const obstacle = await findObstacle(hardware, this.#deps);
    if (obstacle !== undefined) return obstacle;
    await this.#serveAddresses(hardware);
    const saved = this.#saved.get(uuid);
    if (isSaved && saved === undefined)
      return answers.notPoweredUp(name, 'The saved state is not there (VERR_FILE_NOT_FOUND)');
    if (saved !== undefined) {
      await saved.restoreState(hardware);
      this.#saved.delete(uuid);
      this.#guests.set(uuid, saved);
      await this.#run(['discardstate', uuid]);
      return answers.started(name);
    }
    try {
      const guest = await Guest.start(this.#deps, hardware);
      this.#guests.set(uuid, guest);
      void guest.ended.then((end) => this.#recordEnd(uuid, end));
    } catch (error) {
      return answers.notPoweredUp(name, messageOf(error));
    }
    return answers.started(name);
  }

  async #serveAddresses({ nics }: Hardware): Promise<void> {
    const adapters = nics.flatMap(({ attachment, adapter }) => (attachment === 'hostonly' ? [adapter] : []));
    if (adapters.length === 0) return;
    const servers = parseDhcpServers((await this.#run(['list', 'dhcpservers'])).stdout);
    for (const adapter of adapters)
      await this.#dhcp.serve(
        adapter,
        servers.find(({ network }) => network === `HostInterfaceNetworking-${adapter}`),
      );
  }

  async #save(guest: Guest): Promise<Reply> {
    const { uuid, snapshotDir } = guest.hardware;
    await mkdir(snapshotDir, { recursive: true });
    const path = join(snapshotDir, `${new Date(this.#deps.clock.now()).toISOString()}.sav`);
    await guest.saveState();
    await writeFile(path, 'of a machine whose process has been stopped\n');
    const adopted = await this.#run(['adoptstate', uuid, path]);
    if (adopted.exitCode !== 0) throw new Error(`adoptstate: ${adopted.stderr}`);
    this.#saved.set(uuid, guest);
    this.#recordEnd(uuid, 'saved');
    return answers.doneWithProgress;
  }

  #recordEnd(uuid: string, end: EndedGuest['end']): void {
    // A saved one that ends is gone for VirtualBox already.
    if (this.#guests.delete(uuid)) this.#ended.set(uuid, { end, at: this.#deps.clock.now() });
  }

  async #forgetSaved(name: string): Promise<void> {
    if (this.#saved.size === 0) return;
    const uuid = (await this.#report(name))?.get('UUID') ?? '';
    await this.#saved.get(uuid)?.crash();
    this.#saved.delete(uuid);
  }

  async #show(name: string, machineReadable: boolean): Promise<Reply | undefined> {
    const report = await this.#report(name);
    const uuid = report?.get('UUID') ?? '';
    if (this.#isDying(uuid)) return answers.dying();
    const live = this.#live(uuid);
    if (live === undefined) return undefined;
    const shown = await this.#run(['showvminfo', uuid, ...(machineReadable ? ['--machinereadable'] : [])]);
    const { stdout, stderr, exitCode = 1 } = shown;
    if (exitCode !== 0) return { stdout, stderr, exitCode };
    return answers.done(machineReadable ? withState(stdout, live) : withStates(stdout, () => live));
  }

  async #list(rest: readonly string[]): Promise<Reply | undefined> {
    const isLong = rest.some((arg) => arg === '--long' || arg === '-l');
    if (rest.includes('runningvms')) {
      if (isLong) return answers.notSupported('list --long runningvms');
      const rows = [...this.#guests.values()].map(
        ({ hardware }) => `"${hardware.name}" {${hardware.uuid}}\n`,
      );
      return answers.done(rows.join(''));
    }
    if (!rest.includes('vms') || !isLong) return undefined;
    const { stdout } = await this.#run(['list', ...rest]);
    return answers.done(withStates(stdout, (uuid) => this.#live(uuid)));
  }

  async #withGuest(name: string, work: (guest: Guest) => Promise<Reply>): Promise<Reply | undefined> {
    const uuid = (await this.#report(name))?.get('UUID') ?? '';
    const guest = this.#guests.get(uuid);
    return guest === undefined ? undefined : work(guest);
  }

  async #whileLocked(name: string, refuse: (name: string) => answers.Answer): Promise<Reply | undefined> {
    if (this.#guests.size === 0 && this.#ended.size === 0 && this.#starting.size === 0) return undefined;
    const report = await this.#report(name);
    const uuid = report?.get('UUID') ?? '';
    const isLocked = this.#guests.has(uuid) || this.#starting.has(uuid) || this.#isDying(uuid);
    return isLocked ? refuse(report?.get('name') ?? name) : undefined;
  }

  #live(uuid: string): LiveState | undefined {
    const guest = this.#guests.get(uuid);
    if (guest !== undefined) return { state: guest.state, since: guest.since };
    const past = this.#ended.get(uuid);
    return past?.end === 'aborted' ? { state: 'aborted', since: past.at } : undefined;
  }

  #isDying(uuid: string): boolean {
    const past = this.#guests.has(uuid) ? undefined : this.#ended.get(uuid);
    return past !== undefined && this.#deps.clock.now() < past.at + this.#options.dyingMs;
  }

  async #report(name: string): Promise<ReadonlyMap<string, string> | undefined> {
    if (name === '') return undefined;
    const args = ['showvminfo', name, '--machinereadable'];
    const { clock } = this.#deps;
    for (const end = clock.now() + REPORT_MS; ; await clock.sleep(200)) {
      const result = await this.#run(args);
      if (result.exitCode === 0) return parseReport(result.stdout);
      if (result.stderr.includes('Could not find a registered machine')) return undefined;
      // On a busy computer VirtualBox's server may be starting or ending just
      // now. A machine that runs must not be taken for one that does not.
      if (clock.now() > end) throw new Error(`VBoxManage ${args.join(' ')}: ${result.stderr}`);
    }
  }

  #run(args: readonly string[]): Promise<RunResult> {
    return this.#deps.programs.run(this.#real(args, '/'));
  }

  #real(args: readonly string[], cwd: string): Argv {
    const chdir = `--chdir=${isShared(cwd) ? cwd : '/'}`;
    const { inner } = this.#deps.namespaces;
    return [...inner, 'env', chdir, ...this.#environment, join(PROGRAMS_DIR, 'VBoxManage'), ...args];
  }
}

/** What keeps VirtualBox from starting a machine before its process is there. */
async function findObstacle(
  { name, nics, drives }: Hardware,
  { programs, namespaces }: GuestDeps,
): Promise<answers.Answer | undefined> {
  for (const { attachment, adapter } of nics) {
    if (attachment !== 'hostonly') continue;
    const result = await programs.run([...namespaces.outer, 'ip', 'link', 'show', adapter]);
    if (result.exitCode !== 0)
      return answers.notPoweredUp(
        name,
        `Nonexistent host networking interface, name '${adapter}' (VERR_INTERNAL_ERROR)`,
      );
  }
  for (const { path } of drives) {
    const result = await programs.run(['test', '-r', path]);
    if (result.exitCode !== 0) return answers.mediumMissing(name, path);
  }
  return undefined;
}
