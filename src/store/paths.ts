import { join } from 'node:path';

/** docker-machine's layout, with our own files beside it. */
export interface StorePaths {
  readonly root: string;
  readonly certs: string;
  readonly machines: string;
  machine(name: string): string;
  /** docker-machine's record; a machine exists if and only if this file does. */
  config(name: string): string;
  /** Ours: identity, journal, pins. Another program's rewrite of config.json cannot lose it. */
  meta(name: string): string;
  /** Ours: values of a driver's secret options, which config.json does not get. */
  secrets(name: string): string;
  knownHosts(name: string): string;
  /** Ours: where the engine answered last, for the shell's `use`; missing while that is open. */
  engineUrl(name: string): string;
  /** Ours: who this store is, wherever it lies. */
  readonly storeId: string;
  /** Ours: an ssh config that knows the machines whose engines are reached through SSH; missing when there are none. */
  readonly sshConfig: string;
  readonly locks: string;
  lock(name: string): string;
}

export function storePaths(root: string): StorePaths {
  const machines = join(root, 'machines');
  const machine = (name: string) => join(machines, name);
  return {
    root,
    certs: join(root, 'certs'),
    machines,
    machine,
    config: (name) => join(machine(name), 'config.json'),
    meta: (name) => join(machine(name), 'mymachine.json'),
    secrets: (name) => join(machine(name), 'secrets.json'),
    knownHosts: (name) => join(machine(name), 'known_hosts'),
    engineUrl: (name) => join(machine(name), 'engine-url'),
    storeId: join(root, 'store-id'),
    sshConfig: join(root, 'ssh_config'),
    locks: join(root, '.locks'),
    lock: (name) => join(root, '.locks', name),
  };
}
