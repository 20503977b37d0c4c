import type { ChildProcess } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { Instance } from '../../testbed/ec2/instances.ts';
import { type Ec2Server, startEc2 } from '../../testbed/ec2/server.ts';
import { type Outcome, type RunOptions, Sandbox } from '../program.ts';

export const KEYS = {
  AWS_ACCESS_KEY_ID: 'AKIATESTBED0000',
  AWS_SECRET_ACCESS_KEY: 'marker-of-the-environment',
};

/**
 * An account at a cloud whose instances are records, so that no host answers.
 * Tests look at what is said and made before one would. Each test has a user of its own.
 */
class CloudAccount {
  #server: Ec2Server | undefined;
  #user: Sandbox | undefined;

  async open(): Promise<void> {
    this.#server = await startEc2({ hosts: false });
  }

  get server(): Ec2Server {
    if (this.#server === undefined) throw new Error('no account was opened');
    return this.#server;
  }

  get user(): Sandbox {
    if (this.#user === undefined) throw new Error('no test has begun');
    return this.#user;
  }

  async begin(): Promise<void> {
    this.#user = await Sandbox.make({ ...KEYS, AWS_EC2_METADATA_DISABLED: 'true' });
  }

  async end(): Promise<void> {
    this.server.cloud.resetBehaviour();
    this.server.calls.length = 0;
    await this.user.remove();
  }

  create(args: readonly string[], options?: RunOptions): Promise<Outcome> {
    return this.user.run(['create', '--driver', 'amazonec2', ...this.#place(), ...args], options);
  }

  /** A create that is interrupted while it waits for the host, whose instance is there. */
  interruptedCreate(args: readonly string[], options?: RunOptions): Promise<Outcome> {
    return this.interrupted(['create', '--driver', 'amazonec2', ...this.#place(), ...args], options);
  }

  #place(): readonly string[] {
    return ['--amazonec2-endpoint', this.server.url, '--amazonec2-retries', '1'];
  }

  /** The same of any command that launches an instance. */
  async interrupted(
    args: readonly string[],
    options: RunOptions = {},
    user: Sandbox = this.user,
  ): Promise<Outcome> {
    let child: ChildProcess | undefined;
    let isLaunched = false;
    let isWaiting = false;
    this.server.watch((moment, { action, outcome }) => {
      if (moment !== 'after' || outcome !== 'ok') return;
      isLaunched ||= action === 'RunInstances';
      // Its address is asked for once more when it runs; from then on its host is waited for.
      if (isWaiting || !isLaunched || action !== 'DescribeInstances' || !this.#runs()) return;
      isWaiting = true;
      setTimeout(() => child?.kill('SIGINT'), 500);
    });
    const outcome = await user.run(args, {
      ...options,
      onStart: (started) => {
        child = started;
        options.onStart?.(started);
      },
    });
    this.server.watch(undefined);
    return outcome;
  }

  /** Whether no instance is on its way to anywhere. */
  #runs(): boolean {
    return this.server.cloud
      .every<Instance>('instance')
      .every(({ gone, state }) => gone || state !== 'pending');
  }

  /** A create that is killed when its instance is there, before it is told so. */
  async killedCreate(args: readonly string[]): Promise<void> {
    let child: ChildProcess | undefined;
    this.server.watch((moment, call) => {
      if (moment !== 'after' || call.action !== 'RunInstances' || call.outcome !== 'ok') return undefined;
      child?.kill('SIGKILL');
      return new Promise((resolve) => child?.once('close', () => resolve()));
    });
    await this.create(args, {
      onStart: (started) => {
        child = started;
      },
    });
    this.server.watch(undefined);
  }

  /** Options that say where to look. */
  where(): readonly string[] {
    const region = ['--amazonec2-region', 'us-east-1'];
    return ['--driver', 'amazonec2', '--amazonec2-endpoint', this.server.url, ...region];
  }

  /** A machine that is complete by its record, and old enough that all of it is seen. */
  async readyMachine(name: string, args: readonly string[] = []): Promise<void> {
    await this.interruptedCreate([...args, name]);
    await this.rewrite(name, 'mymachine.json', (meta) => ({ ...meta, phase: 'ready' }));
    await this.age(name);
  }

  /** What was asked for was so long ago that nothing of it can be too new to be seen. */
  age(name: string): Promise<void> {
    return this.rewrite(name, 'config.json', (config) => ({
      ...config,
      Driver: { ...config.Driver, LastAskedAt: 1 },
    }));
  }

  /** Changes one of a machine's files. */
  // biome-ignore lint/suspicious/noExplicitAny: a file of the store as it lies there
  async rewrite(name: string, file: string, change: (content: any) => object): Promise<void> {
    const path = join(this.user.store, 'machines', name, file);
    await writeFile(path, JSON.stringify(change(JSON.parse(await readFile(path, 'utf8')))));
  }

  /** Names of the user's machines' folders. */
  machines(): Promise<string[]> {
    return readdir(join(this.user.store, 'machines')).catch(() => []);
  }
}

/** An account for the tests of a file. */
export function useCloudAccount(): CloudAccount {
  const account = new CloudAccount();
  beforeAll(() => account.open());
  beforeEach(() => account.begin());
  afterEach(() => account.end());
  afterAll(() => account.server.close());
  return account;
}
