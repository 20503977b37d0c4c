import { isRecord } from './record-json.ts';

type Data = Readonly<Record<string, unknown>>;

/** Keys that version 0 had at the top, and their names since version 1. */
const FLAT_AUTH = [
  'StorePath',
  'CaCertPath',
  'PrivateKeyPath',
  'ServerCertPath',
  'ServerKeyPath',
  'ClientCertPath',
  'ClientKeyPath',
] as const;
const FLAT_SWARM = { SwarmDiscovery: 'Discovery', SwarmHost: 'Host', SwarmMaster: 'Master' } as const;

/** All keys that only the oldest records have at the top. */
export const FLAT_KEYS: readonly string[] = [...FLAT_AUTH, ...Object.keys(FLAT_SWARM)];

const objectAt = (data: Data, key: string): Data => (isRecord(data[key]) ? data[key] : {});
const textAt = (data: Data, key: string): string => (typeof data[key] === 'string' ? data[key] : '');
const says = (value: unknown) => value !== undefined && value !== null && value !== '' && value !== false;

function without(data: Data, keys: readonly string[]): Data {
  return Object.fromEntries(Object.entries(data).filter(([key]) => !keys.includes(key)));
}

/**
 * docker-machine 0.1 had all keys at the top; a record without a version may have both forms.
 * docker-machine drops the nested options of those. We keep what the flat keys do not say.
 */
function fromVersion0(data: Data): Data {
  const options = objectAt(data, 'HostOptions');
  const said = (from: string, to: string) => (says(data[from]) ? [[to, data[from]]] : []);
  const auth = Object.fromEntries(FLAT_AUTH.flatMap((key) => said(key, key)));
  const swarm = Object.fromEntries(Object.entries(FLAT_SWARM).flatMap(([from, to]) => said(from, to)));
  return {
    ...without(data, FLAT_KEYS),
    HostOptions: {
      ...options,
      SwarmOptions: { ...objectAt(options, 'SwarmOptions'), ...swarm },
      AuthOptions: { ...objectAt(options, 'AuthOptions'), ...auth },
    },
    // Version 1 has it at the top, where the next step finds it.
    StorePath: data['StorePath'],
  };
}

/**
 * Version 2 has the certificates' folder, the CA key's new name and the machine's folder.
 * docker-machine puts the store's root there instead, and its clients then miss ca.pem.
 */
function fromVersion1(data: Data): Data {
  const options = objectAt(data, 'HostOptions');
  const { PrivateKeyPath, ...auth } = objectAt(options, 'AuthOptions');
  const folder = textAt(data, 'StorePath') || textAt(auth, 'StorePath');
  return {
    ...without(data, ['StorePath']),
    HostOptions: {
      ...options,
      AuthOptions: {
        ...auth,
        ...(says(auth['CertDir']) || folder === ''
          ? {}
          : { CertDir: `${rootOf(folder)}${separatorOf(folder)}certs` }),
        ...(says(auth['CaPrivateKeyPath']) || !says(PrivateKeyPath)
          ? {}
          : { CaPrivateKeyPath: PrivateKeyPath }),
        ...(folder === '' ? {} : { StorePath: folder }),
      },
    },
  };
}

/** Version 3 has the store's root in the driver's JSON, for plugins. */
function fromVersion2(data: Data): Data {
  const driver = data['Driver'];
  const folder = textAt(objectAt(objectAt(data, 'HostOptions'), 'AuthOptions'), 'StorePath');
  if (!isRecord(driver) || folder === '') return data;
  return { ...data, Driver: { ...driver, StorePath: rootOf(folder) } };
}

/** The store's root above `machines/NAME`; some records hold the root itself in that place. */
export function rootOf(path: string): string {
  return path.replace(/[\\/]machines[\\/][^\\/]+$/, '');
}

/** A record may come from Windows and be read elsewhere. */
function separatorOf(path: string): string {
  return path.includes('/') ? '/' : '\\';
}

/** As Go does, takes a key that differs in case alone for the known one. The last one counts. */
export function foldKeys(data: Data, known: readonly string[]): Data {
  const canonical = new Map(known.map((key) => [key.toLowerCase(), key]));
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(data)) {
    const name = canonical.get(key.toLowerCase()) ?? key;
    if (Object.hasOwn(result, name) && value === null) continue;
    Object.defineProperty(result, name, { value, enumerable: true, writable: true, configurable: true });
  }
  return result;
}

/** A record of versions 0, 1 and 2 as version 3. Unknown keys stay. Never throws. */
export function migrateRecord(data: Data, version: number): Data {
  let result = data;
  if (version < 1) result = fromVersion0(result);
  if (version < 2) result = fromVersion1(result);
  if (version < 3) result = { ...fromVersion2(result), ConfigVersion: 3 };
  return result;
}
