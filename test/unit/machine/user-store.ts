import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtInDrivers } from '../../../src/drivers/registry.ts';
import { ensureAuthority } from '../../../src/machine/certs/authority.ts';
import { copyClientCertificates } from '../../../src/machine/certs/machine-certs.ts';
import type { AuthorityPaths, MachineDeps } from '../../../src/machine/deps.ts';
import { planMachine } from '../../../src/machine/life/record.ts';
import { Machine } from '../../../src/machine/machine.ts';
import { Store } from '../../../src/store/store.ts';
import { testPorts } from '../../testbed/ports.ts';

export const day = 86_400_000;

/** A user's store with nobody else in it, and a clock that the test sets. */
export class UserStore {
  readonly root: string;
  readonly said: string[] = [];
  readonly deps: MachineDeps;
  now = Date.UTC(2026, 10, 20, 10, 17, 42);

  private constructor(root: string) {
    this.root = root;
    const ports = testPorts(this.said);
    const clock = { ...ports.clock, now: () => this.now };
    this.deps = {
      ...ports,
      clock,
      store: new Store(root, { clock: ports.clock, report: ports.report, command: 'test' }),
      drivers: builtInDrivers(),
      cacheDir: join(root, 'cache'),
      authority: this.authorityIn(join(root, 'certs')),
      userName: 'ann',
      ssh: () => Promise.reject(new Error('no host here')),
      newId: () => randomUUID(),
      allowRemoval: async () => false,
      sudoPassword: () => Promise.reject(new Error('no host here')),
    };
  }

  static async make(): Promise<UserStore> {
    return new UserStore(await mkdtemp(join(tmpdir(), 'mymachine-authority-')));
  }

  authorityIn(certDir: string): AuthorityPaths {
    const path = (name: string) => join(certDir, name);
    return {
      certDir,
      caCert: path('ca.pem'),
      caKey: path('ca-key.pem'),
      clientCert: path('cert.pem'),
      clientKey: path('key.pem'),
    };
  }

  /** A finished machine of a driver that provisions, with its copies of the authority's files. */
  async addMachine(name: string, driver: 'generic' | 'none' = 'generic'): Promise<Machine> {
    const flags =
      driver === 'none'
        ? { url: 'tcp://192.0.2.1:2376' }
        : {
            'generic-ip-address': '192.0.2.1',
            'generic-ssh-user': 'root',
            'generic-ssh-key': '',
            'generic-ssh-port': 22,
            'generic-engine-port': 2376,
          };
    const request = { name, flags, engine: {}, engineMeta: { install: 'auto', version: '' }, swarm: {} };
    const loaded = await this.deps.drivers.load(driver);
    const machine = planMachine(this.deps, { ...request, driver: loaded, tlsSans: [] });
    await this.deps.store.add({ name, config: machine.config, meta: { ...machine.meta, phase: 'ready' } });
    const { ca, client } = await ensureAuthority(this.deps);
    await copyClientCertificates(machine, { ca: ca.cert, ...client });
    return Machine.open(this.deps, name);
  }

  write(name: string, text: string): Promise<void> {
    return writeFile(join(this.root, 'certs', name), text);
  }

  remove(): Promise<void> {
    return rm(this.root, { recursive: true, force: true });
  }
}
