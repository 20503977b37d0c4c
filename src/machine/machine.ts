import { join } from 'node:path';
import { isMachineError } from '../base/machine-error.ts';
import type { HostPorts } from '../provision/contract.ts';
import type { BaseConfig, DriverContext } from '../sdk/context.ts';
import {
  completeStatus,
  type Driver,
  type HostDriver,
  type HostStatus,
  type SshLogin,
  type Trace,
  type Trait,
  type Traits,
  traitOf,
} from '../sdk/driver.ts';
import type { SshSession, SshTarget } from '../ssh/contract.ts';
import { hostKeyAliasOf } from '../ssh/target.ts';
import type { HostConfig } from '../store/record/host-config.ts';
import type { MachineMeta, Phase } from '../store/record/meta.ts';
import type { Secrets, StoredMachine } from '../store/store.ts';
import type { MachineDeps } from './deps.ts';
import { machineError } from './errors.ts';
import { driverConfigOf, driverOf, enginePortOf } from './load.ts';
import { locksOf } from './locks.ts';

/** One look at a host, with everything in it that a driver may leave to the standard. */
export type MachineLook = Required<HostStatus>;

/** What the trait of that name is, once it is known of which machine. */
type PlainTrait<K extends keyof Traits> = Exclude<Traits[K], (...args: never) => unknown>;

/** An open machine: its record and its driver. Whoever changes it holds its lock. */
export class Machine {
  readonly name: string;
  readonly driver: Driver;
  readonly deps: MachineDeps;
  #config: HostConfig;
  #meta: MachineMeta | undefined;
  #secrets: Secrets | undefined;
  #host: Promise<HostDriver> | undefined;
  #look: MachineLook | undefined;

  /** `secrets` for a machine that is not in the store yet. */
  constructor(deps: MachineDeps, driver: Driver, stored: StoredMachine, secrets?: Secrets) {
    this.name = stored.name;
    this.driver = driver;
    this.deps = deps;
    this.#config = stored.config;
    this.#meta = stored.meta;
    this.#secrets = secrets;
  }

  static async open(deps: MachineDeps, name: string): Promise<Machine> {
    const stored = await deps.store.load(name);
    return new Machine(deps, await driverOf(deps, stored), stored);
  }

  get config(): HostConfig {
    return this.#config;
  }

  /** A machine of docker-machine's is finished, and gets an identity when it is first written. */
  get meta(): MachineMeta {
    this.#meta ??= {
      version: 1,
      id: this.deps.newId(),
      createdAt: new Date(this.deps.clock.now()).toISOString(),
      phase: 'ready',
      journal: [],
      engine: { install: 'auto', version: '' },
      address: '',
    };
    return this.#meta;
  }

  get dir(): string {
    return this.deps.store.paths.machine(this.name);
  }

  file(name: string): string {
    return join(this.dir, name);
  }

  /** The port that dockerd opens on the host; 0 where it is reached through SSH. */
  get enginePort(): number {
    return enginePortOf(this.driver, this.#config);
  }

  /** The engine is reached through SSH alone: no port, no TLS, no certificates. */
  get isThroughSsh(): boolean {
    return this.enginePort === 0;
  }

  /** What a trait of the driver is for this machine. */
  trait<K extends 'hostKey' | 'sans' | 'mounts'>(name: K): PlainTrait<K> {
    return traitOf(this.driver.traits[name] as Trait<PlainTrait<K>, BaseConfig>, this.#driverConfig);
  }

  /** What talks to the provider, loaded when it is first wanted. */
  host(): Promise<HostDriver> {
    this.#host ??= this.driver.load();
    return this.#host;
  }

  /** Asks the provider. */
  async look(): Promise<MachineLook> {
    this.#look = this.completed(await (await this.host()).status(this.context()));
    return this.#look;
  }

  /** What the provider said last in this run. It is asked only when it was not yet. */
  async lastLook(): Promise<MachineLook> {
    return this.#look ?? this.look();
  }

  /** The next question goes to the provider again, since the host has changed. */
  forgetLook(): void {
    this.#look = undefined;
  }

  /** A status with the standard's URL and login where the driver gave none of its own. */
  completed(status: HostStatus): MachineLook {
    return completeStatus(status, this.#driverConfig, this.enginePort);
  }

  get #driverConfig(): Readonly<BaseConfig> {
    return driverConfigOf(this.#config);
  }

  async saveConfig(patch: Partial<HostConfig>): Promise<void> {
    this.#config = { ...this.#config, ...patch };
    await this.#written(this.deps.store.saveConfig(this.name, this.#config));
  }

  async saveMeta(patch: Partial<MachineMeta>): Promise<void> {
    this.#meta = { ...this.meta, ...patch };
    await this.#written(this.deps.store.saveMeta(this.name, this.#meta));
  }

  /** What fills a disk can be removed: a removal is begun again whatever was noted of it. */
  async #written(writing: Promise<void>): Promise<void> {
    await writing.catch((error: unknown) => {
      if (this.meta.phase !== 'removing' || !isMachineError(error, 'MM_STORE_FULL')) throw error;
    });
  }

  /** Where the host is at its provider, if it is at one. */
  async trace(): Promise<Trace | undefined> {
    return (await this.host()).cloud?.trace(this.#driverConfig);
  }

  /** Has the store remember the provider's account, which outlives the record. */
  async rememberAccount(): Promise<void> {
    const trace = await this.trace();
    if (trace === undefined) return;
    const { name } = this.driver;
    // Only what makes something at a provider needs it, and it loads node:crypto.
    const { rememberAccount } = await import('../store/accounts.ts');
    await rememberAccount(this.deps.store.paths.accounts, { driver: name, flags: trace.flags });
  }

  async #saveDriver(patch: object): Promise<void> {
    await this.saveConfig({ Driver: { ...this.#config.Driver, ...patch } });
  }

  async #secret(flag: string): Promise<string> {
    this.#secrets ??= await this.deps.store.secrets(this.name);
    return Object.hasOwn(this.#secrets, flag) ? (this.#secrets[flag] ?? '') : '';
  }

  /** What the store is to keep apart from the record. */
  get givenSecrets(): Secrets {
    return this.#secrets ?? {};
  }

  async enter(phase: Phase): Promise<void> {
    if (this.meta.phase !== phase) await this.saveMeta({ phase });
  }

  /** See DriverContext.step. `effect` gives the keys of the driver's config to save. */
  async step(
    id: string,
    title: string,
    effect: () => Promise<Partial<BaseConfig> | undefined>,
  ): Promise<void> {
    if (this.meta.journal.some((entry) => entry.step === id && entry.state === 'done')) return;
    this.deps.signal.throwIfAborted();
    await this.rememberAccount();
    await this.#record(id, 'intent');
    const patch = await this.deps.report.step(title, effect);
    if (patch !== undefined) await this.#saveDriver(patch);
    await this.#record(id, 'done');
  }

  async #record(step: string, state: 'intent' | 'done'): Promise<void> {
    const at = new Date(this.deps.clock.now()).toISOString();
    const others = this.meta.journal.filter((entry) => entry.step !== step);
    await this.saveMeta({ journal: [...others, { step, state, at }] });
    this.deps.onJournal?.(step, state);
  }

  /** What the driver gets to see. It saves nothing before the machine is in the store. */
  context(): DriverContext {
    const machine = this;
    const { clock, report, programs, signal, store, cacheDir } = this.deps;
    return {
      ...{ clock, report, programs, signal, cacheDir },
      get machine() {
        return { name: machine.name, id: machine.meta.id, dir: machine.dir };
      },
      storeDir: store.paths.root,
      storeId: () => store.id(this.deps.newId),
      get config() {
        return machine.#driverConfig;
      },
      userSsh: {
        config: async (login) => machine.deps.sshConfig?.(login),
        isGreeted: async (timeoutMs) =>
          (await (await machine.deps.ssh()).isGreeted?.(await machine.sshTarget(), { timeoutMs, signal })) ??
          false,
      },
      variable: this.deps.variable,
      secret: (flag) => machine.#secret(flag),
      withLock: locksOf(this.deps),
      save: (patch) => machine.#saveDriver(patch),
      step: (id, title, effect) => machine.step(id, title, async () => (await effect()) ?? undefined),
    };
  }

  async sshTarget(): Promise<SshTarget> {
    const login = await this.#login();
    if (login === undefined) {
      throw machineError('MM_MACHINE_STATE', {
        message: `"${this.name}" is a machine of the driver ${this.driver.name}, which knows no way to log in`,
        hint: 'Log in to that host by its own means.',
      });
    }
    return {
      ...login,
      knownHostsPath: this.deps.store.paths.knownHosts(this.name),
      hostKeyAlias: hostKeyAliasOf(this.name),
      trust: this.trait('hostKey') === 'first-use' ? 'first-use' : 'pinned',
      machineName: this.name,
    };
  }

  async #login(): Promise<SshLogin | undefined> {
    const { ssh } = this.driver.traits;
    if (ssh === false) return undefined;
    return ssh === true ? (await this.lastLook()).login : ssh(this.#driverConfig, this.context().machine);
  }

  async session(): Promise<SshSession> {
    const connector = await this.deps.ssh();
    return connector.session(await this.sshTarget(), { signal: this.deps.signal });
  }

  /** What work on the host is done with, over a session that is open. */
  hostPorts(session: SshSession): HostPorts {
    const { clock, report, programs, signal, sudoPassword } = this.deps;
    const { name } = this;
    const ports = { clock, report, programs, signal, session };
    return { ...ports, machineName: name, sudoPassword: () => sudoPassword(name) };
  }
}
