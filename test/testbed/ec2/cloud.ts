import { randomBytes } from 'node:crypto';
import { ApiError, notFound } from './api-error.ts';

export type Tags = Readonly<Record<string, string>>;

/** Anything that has an id and can be found by filters. */
export interface Resource {
  readonly id: string;
  readonly kind: Kind;
  tags: Tags;
  /** From when on other calls see it: "eventual consistency". */
  visibleAt: number;
  gone: boolean;
  /** Milliseconds since the epoch; 0 while it is there. */
  goneAt: number;
}

export type Kind =
  | 'instance'
  | 'volume'
  | 'network-interface'
  | 'key-pair'
  | 'security-group'
  | 'spot-instances-request';

const PREFIXES: Readonly<Record<Kind, string>> = {
  instance: 'i',
  volume: 'vol',
  'network-interface': 'eni',
  'key-pair': 'key',
  'security-group': 'sg',
  'spot-instances-request': 'sir',
};

export const newId = (prefix: string): string =>
  `${prefix}-${randomBytes(9)
    .toString('hex')
    .slice(0, prefix === 'sir' ? 8 : 17)}`;

/** Something that was made, or is gone. */
export interface LedgerEntry {
  readonly event: 'created' | 'gone';
  readonly kind: Kind;
  readonly id: string;
  readonly tags: Tags;
}

export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly status?: number;
  /** A quota is not looked at by DryRun. */
  readonly butNotDryRuns?: boolean;
  /** An HTML page in place of EC2's answer, as a proxy gives. */
  readonly page?: string;
}

/** How the cloud behaves; a test changes it at any time. */
export interface Behaviour {
  /** For how long after its creation nothing sees a resource. */
  consistencyMs: number;
  /** How long an instance stays pending, stopping and shutting-down at the least. */
  transitionMs: number;
  /** Zones that have no room: InsufficientInstanceCapacity. */
  fullZones: readonly string[];
  /**
   * What a launch in a zone is refused with, rehearsed or not.
   * The zone lacks the type, or its subnet has no address left.
   */
  refuseIn: Readonly<Record<string, Refusal>>;
  /** Every n-th call is refused with RequestLimitExceeded; 0 for none. */
  throttleEvery: number;
  /** Refusals by action, or '*' for every call. */
  refuse: Readonly<Record<string, Refusal>>;
  /** Calls that may not tag what they create, as a policy with ec2:CreateAction says. */
  refuseTagsOf: readonly string[];
  /** For how long after its instance is gone a network interface still holds its groups. */
  interfaceLingersMs: number;
  /** Some servers of this API delete a group that is in use. */
  deletesGroupsInUse: boolean;
  /** What the deletion of a group in use is refused with. */
  groupInUse: 'DependencyViolation' | 'InvalidGroup.InUse';
  /**
   * Key pairs are deleted by name alone, as on some servers of this API.
   * A call without a name does nothing and succeeds.
   */
  keysByNameAlone: boolean;
  /** The longest page that a list is given in, whatever the caller asks for. */
  pageLimit: number;
}

export const DEFAULT_BEHAVIOUR: Behaviour = {
  consistencyMs: 0,
  transitionMs: 300,
  fullZones: [],
  refuseIn: {},
  throttleEvery: 0,
  refuse: {},
  refuseTagsOf: [],
  interfaceLingersMs: 0,
  deletesGroupsInUse: false,
  groupInUse: 'DependencyViolation',
  keysByNameAlone: false,
  pageLimit: 1000,
};

/** All that there is in one account, and the ledger of everything that ever was. */
export class Cloud {
  readonly ledger: LedgerEntry[] = [];
  readonly behaviour: Behaviour = { ...DEFAULT_BEHAVIOUR };
  /**
   * Of instances that are records alone, from the next launch on.
   * Whether it is silent or refuses depends on the network.
   */
  hostlessAddress = '192.0.2.10';
  readonly #all = new Map<string, Resource>();
  /** The time by which resources are seen, in milliseconds since the epoch. */
  readonly now: () => number;

  constructor(now: () => number = Date.now) {
    this.now = now;
  }

  /** Forgets a test's behaviour; what was made stays. */
  resetBehaviour(): void {
    Object.assign(this.behaviour, DEFAULT_BEHAVIOUR);
  }

  add<K extends Kind, T extends object>(kind: K, tags: Tags, properties: T): Resource & { kind: K } & T {
    const id = newId(PREFIXES[kind]);
    const visibleAt = this.now() + this.behaviour.consistencyMs;
    const resource = { id, kind, tags, visibleAt, gone: false, goneAt: 0, ...properties };
    this.#all.set(id, resource);
    this.ledger.push({ event: 'created', kind, id, tags });
    return resource;
  }

  remove(resource: Resource): void {
    if (resource.gone) return;
    resource.gone = true;
    resource.goneAt = this.now();
    this.ledger.push({ event: 'gone', kind: resource.kind, id: resource.id, tags: resource.tags });
  }

  /** What is gone is shown for about an hour, and then as little as what never was. */
  forget(resource: Resource): void {
    this.remove(resource);
    this.#all.delete(resource.id);
  }

  /** What others see of a kind. What is gone is not among them. */
  seen<T extends Resource>(kind: Kind): T[] {
    return this.every<T>(kind).filter((each) => !each.gone && each.visibleAt <= this.now());
  }

  every<T extends Resource>(kind: Kind): T[] {
    return [...this.#all.values()].filter((each) => each.kind === kind) as T[];
  }

  /** By id, as others see it. @throws ApiError Invalid….NotFound */
  get<T extends Resource>(kind: Kind, id: string, code: string): T {
    const found = this.#all.get(id);
    if (found === undefined || found.kind !== kind || found.gone || found.visibleAt > this.now()) {
      throw notFound(code, id);
    }
    return found as T;
  }

  byId(id: string): Resource {
    const found = this.#all.get(id);
    if (found === undefined || found.visibleAt > this.now())
      throw new ApiError('InvalidID', `The ID '${id}' is not valid`);
    return found;
  }

  /** Kinds and ids of what exists now, seen or not. */
  living(): string[] {
    return [...this.#all.values()].filter((each) => !each.gone).map((each) => `${each.kind} ${each.id}`);
  }

  /** The same of what bears a machine's id. */
  livingOf(machineId: string): string[] {
    const own = [...this.#all.values()].filter(
      ({ gone, tags }) => !gone && tags['mymachine:id'] === machineId,
    );
    return own.map((each) => `${each.kind} ${each.id}`);
  }
}
