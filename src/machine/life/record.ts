import { reworded } from '../../base/machine-error.ts';
import { type BaseConfig, baseConfig } from '../../sdk/context.ts';
import type { Driver } from '../../sdk/driver.ts';
import { FlagReader, type FlagValues } from '../../sdk/flags.ts';
import { checkNewName } from '../../store/layout.ts';
import {
  defaultEngineOptions,
  defaultSwarmOptions,
  driverRecord,
  type EngineOptions,
  type HostConfig,
  type SwarmOptions,
} from '../../store/record/host-config.ts';
import type { EngineMeta, MachineMeta } from '../../store/record/meta.ts';
import type { Secrets } from '../../store/store.ts';
import type { MachineDeps } from '../deps.ts';
import { Machine } from '../machine.ts';

export interface CreateRequest {
  readonly name: string;
  readonly driver: Driver;
  readonly flags: FlagValues;
  readonly engine: Partial<EngineOptions>;
  readonly engineMeta: EngineMeta;
  readonly swarm: Partial<SwarmOptions>;
  readonly tlsSans: readonly string[];
  /** Remove all that was made when the create fails. */
  readonly rollback?: boolean;
}

function hostConfig(deps: MachineDeps, request: CreateRequest, own: BaseConfig): HostConfig {
  const { authority, store } = deps;
  const folder = store.paths.machine(request.name);
  return {
    ConfigVersion: 3,
    // docker-machine's drivers that adopt a host never look at the options of legacy Swarm.
    Driver: driverRecord(own, request.driver.traits.adopted ? {} : request.swarm),
    DriverName: request.driver.name,
    HostOptions: {
      Driver: '',
      Memory: 0,
      Disk: 0,
      EngineOptions: { ...defaultEngineOptions(), ...request.engine },
      SwarmOptions: { ...defaultSwarmOptions(), ...request.swarm },
      AuthOptions: {
        CertDir: authority.certDir,
        CaCertPath: authority.caCert,
        CaPrivateKeyPath: authority.caKey,
        CaCertRemotePath: '',
        ServerCertPath: `${folder}/server.pem`,
        ServerKeyPath: `${folder}/server-key.pem`,
        ClientKeyPath: authority.clientKey,
        ServerCertRemotePath: '',
        ServerKeyRemotePath: '',
        ClientCertPath: authority.clientCert,
        ServerCertSANs: [...request.tlsSans],
        StorePath: folder,
      },
    },
    Name: request.name,
  };
}

/** The driver's config for the request. Throws what is wrong with its flags. */
export function driverConfig(
  deps: MachineDeps,
  request: Pick<CreateRequest, 'name' | 'driver' | 'flags'>,
): BaseConfig {
  try {
    const isSecret = (name: string) => request.driver.flags.some((flag) => flag.name === name && flag.secret);
    const open = Object.entries(request.flags).filter(([name]) => !isSecret(name));
    const base = baseConfig(request.name, deps.store.paths.root);
    return request.driver.configure(new FlagReader(Object.fromEntries(open)), base);
  } catch (error) {
    throw reworded(error, (why) => `Error setting machine configuration from flags provided: ${why}`);
  }
}

function secretsOf({ driver, flags }: CreateRequest): Secrets {
  const given = driver.flags.flatMap(({ name, secret }) => {
    const value = flags[name];
    return secret === true && typeof value === 'string' && value !== '' ? [[name, value] as const] : [];
  });
  return Object.fromEntries(given);
}

/** Everything that can be refused before anything is touched: name, flags. */
export function planMachine(deps: MachineDeps, request: CreateRequest): Machine {
  checkNewName(request.name);
  const config = driverConfig(deps, request);
  const meta: MachineMeta = {
    version: 1,
    id: deps.newId(),
    createdAt: new Date(deps.clock.now()).toISOString(),
    phase: 'creating',
    journal: [],
    engine: request.engineMeta,
    address: '',
  };
  const stored = { name: request.name, config: hostConfig(deps, request, config), meta };
  return new Machine(deps, request.driver, stored, secretsOf(request));
}
