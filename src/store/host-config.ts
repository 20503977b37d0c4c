import { isObject } from '../base/json.ts';

/** docker-machine's engine options, ConfigVersion 3. */
export interface EngineOptions {
  ArbitraryFlags: string[];
  Dns: string[] | null;
  GraphDir: string;
  Env: string[];
  Ipv6: boolean;
  InsecureRegistry: string[];
  Labels: string[];
  LogLevel: string;
  StorageDriver: string;
  SelinuxEnabled: boolean;
  TlsVerify: boolean;
  RegistryMirror: string[];
  InstallURL: string;
}

export interface SwarmOptions {
  IsSwarm: boolean;
  Address: string;
  Discovery: string;
  Agent: boolean;
  Master: boolean;
  Host: string;
  Image: string;
  Strategy: string;
  Heartbeat: number;
  Overcommit: number;
  ArbitraryFlags: string[];
  ArbitraryJoinFlags: string[];
  Env: string[] | null;
  IsExperimental: boolean;
}

export interface AuthOptions {
  CertDir: string;
  CaCertPath: string;
  CaPrivateKeyPath: string;
  CaCertRemotePath: string;
  ServerCertPath: string;
  ServerKeyPath: string;
  ClientKeyPath: string;
  ServerCertRemotePath: string;
  ServerKeyRemotePath: string;
  ClientCertPath: string;
  ServerCertSANs: string[];
  StorePath: string;
}

/** config.json, in the key order that docker-machine writes. Keys we do not know stay in the objects and are written back. */
export interface HostConfig {
  ConfigVersion: number;
  Driver: Record<string, unknown>;
  DriverName: string;
  HostOptions: {
    Driver: string;
    Memory: number;
    Disk: number;
    EngineOptions: EngineOptions;
    SwarmOptions: SwarmOptions;
    AuthOptions: AuthOptions;
  };
  Name: string;
}

export const DEFAULT_INSTALL_URL = 'https://get.docker.com';

export function defaultEngineOptions(): EngineOptions {
  return {
    ArbitraryFlags: [],
    Dns: null,
    GraphDir: '',
    Env: [],
    Ipv6: false,
    InsecureRegistry: [],
    Labels: [],
    LogLevel: '',
    StorageDriver: '',
    SelinuxEnabled: false,
    TlsVerify: true,
    RegistryMirror: [],
    InstallURL: DEFAULT_INSTALL_URL,
  };
}

export function defaultSwarmOptions(): SwarmOptions {
  return {
    IsSwarm: false,
    Address: '',
    Discovery: '',
    Agent: false,
    Master: false,
    Host: 'tcp://0.0.0.0:3376',
    Image: 'swarm:latest',
    Strategy: 'spread',
    Heartbeat: 0,
    Overcommit: 0,
    ArbitraryFlags: [],
    ArbitraryJoinFlags: [],
    Env: null,
    IsExperimental: false,
  };
}

export function emptyAuthOptions(): AuthOptions {
  return {
    CertDir: '',
    CaCertPath: '',
    CaPrivateKeyPath: '',
    CaCertRemotePath: '',
    ServerCertPath: '',
    ServerKeyPath: '',
    ClientKeyPath: '',
    ServerCertRemotePath: '',
    ServerKeyRemotePath: '',
    ClientCertPath: '',
    ServerCertSANs: [],
    StorePath: '',
  };
}

/**
 * What stands in a file, over the defaults: a value of another type than its default's is a broken file, a key that is
 * missing gets its default, an unknown key stays. A null where a list belongs is Go's empty list and stays as it is.
 */
function overlay<T extends object>(defaults: T, found: unknown, where: string): T {
  if (found === undefined || found === null) return defaults;
  if (!isObject(found)) throw new Error(`${where} is not an object`);
  const result: Record<string, unknown> = { ...found };
  for (const [key, value] of Object.entries(defaults)) {
    const given = found[key];
    if (given === undefined) result[key] = value;
    else if (given === null || Array.isArray(value) || value === null) {
      if (given !== null && !(Array.isArray(given) && given.every((item) => typeof item === 'string')))
        throw new Error(`${where}.${key} is not a list of strings`);
      // Where our code wants a list, it gets one.
      result[key] = given ?? (Array.isArray(value) ? [] : null);
    } else if (typeof given !== typeof value) throw new Error(`${where}.${key} is not a ${typeof value}`);
  }
  return result as T;
}

/** Checks what config.json holds. Throws an Error that names the first thing wrong. */
export function readHostConfig(value: unknown, name: string): HostConfig {
  if (!isObject(value)) throw new Error('it does not hold a JSON object');
  const { ConfigVersion, Driver, DriverName } = value;
  if (typeof ConfigVersion !== 'number') throw new Error('ConfigVersion is not a number');
  if (!isObject(Driver)) throw new Error('Driver is not an object');
  if (typeof DriverName !== 'string') throw new Error('DriverName is not a string');
  const options = isObject(value['HostOptions']) ? value['HostOptions'] : {};
  return {
    ...value,
    ConfigVersion,
    Driver,
    DriverName,
    HostOptions: {
      ...overlay({ Driver: '', Memory: 0, Disk: 0 }, options, 'HostOptions'),
      EngineOptions: overlay(defaultEngineOptions(), options['EngineOptions'], 'EngineOptions'),
      SwarmOptions: overlay(defaultSwarmOptions(), options['SwarmOptions'], 'SwarmOptions'),
      AuthOptions: overlay(emptyAuthOptions(), options['AuthOptions'], 'AuthOptions'),
    },
    // The folder's name wins, as it did.
    Name: name,
  };
}

/** docker-machine's format: four blanks, no newline at the end. */
export function formatHostConfig(config: HostConfig): string {
  return JSON.stringify(config, null, 4);
}
