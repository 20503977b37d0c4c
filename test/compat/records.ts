import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';

/** A 64-bit id of a cloud, which no double holds. */
export const SNOWFLAKE = '9007199254740993';

/**
 * The engine's options as docker-machine wrote them before it dropped the Tls keys (0.2 to 0.4).
 */
const oldEngine = {
  ArbitraryFlags: null,
  Dns: null,
  GraphDir: '',
  Ipv6: false,
  InsecureRegistry: null,
  Labels: ['zone=<a&b>'],
  LogLevel: '',
  StorageDriver: 'aufs',
  SelinuxEnabled: false,
  TlsCaCert: '',
  TlsCert: '',
  TlsKey: '',
  TlsVerify: true,
  RegistryMirror: null,
  InstallURL: 'https://get.docker.com',
};

const oldSwarm = {
  IsSwarm: false,
  Address: '',
  Discovery: '',
  Master: false,
  Host: 'tcp://0.0.0.0:3376',
  Image: 'swarm:latest',
  Strategy: 'spread',
  Heartbeat: 0,
  Overcommit: 0,
  TlsCaCert: '',
  TlsCert: '',
  TlsKey: '',
  TlsVerify: false,
  ArbitraryFlags: null,
};

/**
 * What a record of each version is made of; the Go structs of
 * docker-machine 0.1 to 0.16 give the keys and their order.
 */
export interface Made {
  readonly store: string;
  readonly name: string;
  readonly driverName: string;
  /** Without what the version itself adds. */
  readonly driver: Readonly<Record<string, unknown>>;
}

function authority(store: string) {
  const certs = join(store, 'certs');
  return {
    CaCertPath: join(certs, 'ca.pem'),
    PrivateKeyPath: join(certs, 'ca-key.pem'),
    ClientCertPath: join(certs, 'cert.pem'),
    ClientKeyPath: join(certs, 'key.pem'),
  };
}

function server(folder: string) {
  return { ServerCertPath: join(folder, 'server.pem'), ServerKeyPath: join(folder, 'server-key.pem') };
}

function hostOptions(engine: object, auth: object) {
  return {
    Driver: '',
    Memory: 0,
    Disk: 0,
    EngineOptions: engine,
    SwarmOptions: { ...oldSwarm, Master: true, Discovery: 'token://abc' },
    AuthOptions: auth,
  };
}

/** 0.1: everything flat, in one line. */
export function version0({ store, name, driverName, driver }: Made): string {
  const folder = join(store, 'machines', name);
  return JSON.stringify({
    DriverName: driverName,
    Driver: { MachineName: name, ...driver },
    StorePath: folder,
    ...authority(store),
    ...server(folder),
    SwarmHost: 'tcp://0.0.0.0:3376',
    SwarmMaster: true,
    SwarmDiscovery: 'token://abc',
  });
}

/** 0.2: nested options, still without a version. */
export function version0Nested({ store, name, driverName, driver }: Made): string {
  const folder = join(store, 'machines', name);
  return JSON.stringify({
    DriverName: driverName,
    Driver: { MachineName: name, ...driver },
    StorePath: folder,
    HostOptions: hostOptions(oldEngine, { StorePath: folder, ...authority(store), ...server(folder) }),
  });
}

/** 0.3 on: a version, and two ways to name the files of the certificates. */
function versioned(version: number, made: Made, driver: object, auth: object, last: object): string {
  const record = {
    ConfigVersion: version,
    Driver: { MachineName: made.name, ...made.driver, ...driver },
    DriverName: made.driverName,
    HostOptions: hostOptions({ ...oldEngine, Env: [] }, auth),
    ...last,
  };
  return JSON.stringify(record, null, 4);
}

/** 0.3 and 0.4. */
export function version1(made: Made): string {
  const folder = join(made.store, 'machines', made.name);
  const auth = { StorePath: '', CaCertRemotePath: '', ...authority(made.store), ...server(folder) };
  return versioned(1, made, {}, auth, { StorePath: folder });
}

function newAuth({ store, name }: Made): object {
  const folder = join(store, 'machines', name);
  const { PrivateKeyPath: CaPrivateKeyPath, ...rest } = authority(store);
  const CertDir = join(store, 'certs');
  return { CertDir, CaPrivateKeyPath, ...rest, ...server(folder), StorePath: folder };
}

/** 0.5's first days. */
export function version2(made: Made): string {
  return versioned(2, made, {}, newAuth(made), { Name: made.name });
}

/** 0.5 to 0.16. */
export function version3(made: Made): string {
  return versioned(3, made, { StorePath: made.store }, newAuth(made), { Name: made.name });
}

export const versions = { version0, version0Nested, version1, version2, version3 } as const;

/** A number in a driver's JSON that JavaScript itself could not write. */
export function withSnowflake(record: string): string {
  return record.replace('"SNOWFLAKE"', SNOWFLAKE);
}

/** Puts a machine into a store as docker-machine left it; gives the path of its record. */
export async function putRecord(store: string, name: string, text: string | Uint8Array): Promise<string> {
  const folder = join(store, 'machines', name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(join(folder, 'config.json'), text, { mode: 0o600 });
  return join(folder, 'config.json');
}

/** Every path below a folder with what would show that somebody wrote there. */
export async function snapshot(folder: string): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const { mtimeMs, ctimeMs, mode, ino } = await stat(path);
    const content = entry.isFile() ? await readFile(path, 'hex') : '';
    found[path.slice(folder.length)] = [mtimeMs, ctimeMs, mode, ino, content].join(' ');
  }
  return found;
}

/** Runs `work` for each item, a few at a time: starting a program takes longer than its work. */
export async function each<T>(items: Iterable<T>, work: (item: T) => Promise<unknown>): Promise<void> {
  const limit = pLimit(4);
  await Promise.all([...items].map((item) => limit(work, item)));
}
