import type { JsonObject } from '../../base/json.ts';
import type { ExactNumber } from './record-json.ts';
import { formatRecord } from './record-json.ts';

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
  Heartbeat: number | ExactNumber;
  Overcommit: number | ExactNumber;
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

/** config.json in docker-machine's key order. Unknown keys stay and are written back. */
export interface HostConfig {
  ConfigVersion: number;
  Driver: Record<string, unknown>;
  DriverName: string;
  HostOptions: {
    Driver: string;
    Memory: number | ExactNumber;
    Disk: number | ExactNumber;
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

/** A new record: docker-machine's BaseDriver and swarm keys, then the driver's own. */
export function driverRecord(config: object, swarm: Partial<SwarmOptions>): JsonObject {
  const own = Object.entries(config);
  const end = own.findIndex(([key]) => key === 'StorePath') + 1;
  return Object.fromEntries([
    ...own.slice(0, end),
    ['SwarmMaster', swarm.Master ?? false],
    ['SwarmHost', swarm.Host ?? ''],
    ['SwarmDiscovery', swarm.Discovery ?? ''],
    ...own.slice(end),
  ]);
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

/** docker-machine's format, byte for byte. */
export function formatHostConfig(config: HostConfig): string {
  return formatRecord(config);
}
