import type { InstanceHost } from '../cloud-host.ts';
import type { Cloud, Resource } from './cloud.ts';

export type StateName = 'pending' | 'running' | 'shutting-down' | 'terminated' | 'stopping' | 'stopped';

export const STATE_CODES: Readonly<Record<StateName, number>> = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
};

/** A persistent request: it outlives its instance, and is open then for the next. */
export interface SpotRequest extends Resource {
  readonly kind: 'spot-instances-request';
  state: 'open' | 'active';
}

export interface Instance extends Resource {
  readonly kind: 'instance';
  state: StateName;
  reason: string;
  readonly imageId: string;
  readonly instanceType: string;
  readonly keyName: string;
  readonly subnetId: string;
  readonly zone: string;
  readonly vpcId: string;
  readonly groups: readonly string[];
  readonly hasPublicAddress: boolean;
  readonly ipv6: string | undefined;
  readonly token: string;
  readonly reservation: string;
  readonly launched: string;
  readonly userData: Buffer;
  readonly spotRequest: string | undefined;
  readonly volume: string;
  readonly networkInterface: string;
  /** What of the launch has no effect here, as it was asked for. */
  readonly asked: Readonly<Record<string, string>>;
  host: InstanceHost | undefined;
  /** Where it is while it has no host. */
  readonly hostlessAddress: string;
}

/** Carries each instance and its host from state to state, one change after the other. */
export class Fleet {
  readonly #cloud: Cloud;
  readonly #work = new Map<string, Promise<void>>();
  readonly failures: string[] = [];

  constructor(cloud: Cloud) {
    this.#cloud = cloud;
  }

  #then(instance: Instance, work: () => Promise<void>): void {
    const before = this.#work.get(instance.id) ?? Promise.resolve();
    const after = before.then(work).catch((error: Error) => {
      this.failures.push(`${instance.id}: ${error.stack ?? error.message}`);
    });
    this.#work.set(instance.id, after);
  }

  async #pause(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.#cloud.behaviour.transitionMs));
  }

  boot(instance: Instance): void {
    instance.state = 'pending';
    this.#then(instance, async () => {
      await this.#pause();
      if (instance.state !== 'pending') return;
      instance.state = 'running';
      // EC2 says "running" long before sshd answers.
      void instance.host
        ?.boot()
        .catch((error: Error) => this.failures.push(`${instance.id}: ${error.message}`));
    });
  }

  stop(instance: Instance): void {
    instance.state = 'stopping';
    this.#then(instance, async () => {
      await Promise.all([this.#pause(), instance.host?.stop()]);
      if (instance.state === 'stopping') instance.state = 'stopped';
    });
  }

  start(instance: Instance): void {
    instance.state = 'pending';
    this.#then(instance, async () => {
      await instance.host?.moveToNewAddress();
    });
    this.boot(instance);
  }

  reboot(instance: Instance): void {
    this.#then(instance, async () => {
      // It is only queued, and the state stays `running`.
      await this.#pause();
      await instance.host?.reboot();
    });
  }

  terminate(instance: Instance): void {
    if (instance.state === 'terminated' || instance.state === 'shutting-down') return;
    instance.state = 'shutting-down';
    this.#then(instance, async () => {
      await Promise.all([this.#pause(), instance.host?.terminate()]);
      instance.host = undefined;
      instance.state = 'terminated';
      this.#cloud.remove(instance);
      this.#reopen(instance.spotRequest);
      for (const id of [instance.volume, instance.networkInterface]) this.#cloud.remove(this.#cloud.byId(id));
    });
  }

  #reopen(id: string | undefined): void {
    const request = this.#cloud.every<SpotRequest>('spot-instances-request').find((each) => each.id === id);
    if (request !== undefined && !request.gone) request.state = 'open';
  }

  async settled(): Promise<void> {
    await Promise.all(this.#work.values());
  }
}
