import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { readBounded } from '../../base/files.ts';
import { messageOf } from '../../base/machine-error.ts';
import { accepts } from '../../base/net.ts';
import { printable } from '../../base/printable.ts';
import type { BaseConfig, DriverContext } from '../../sdk/context.ts';
import { DRIVER_API, type Driver, type HostDriver } from '../../sdk/driver.ts';
import { driverError } from '../../sdk/errors.ts';
import type { FlagReader } from '../../sdk/flags.ts';
import { flagMakers } from '../../sdk/flags.ts';
import { copyKeyFile } from '../../ssh/keys/private-key-file.ts';

export interface GenericConfig extends BaseConfig {
  EnginePort: number;
  /** Where the private key was copied from; '' for the agent and the user's own keys. */
  SSHKey: string;
}

const STATE_TIMEOUT_MS = 15_000;
const ENGINE_PORT = 2376;
const SSH_PORT = 22;

/**
 * Fills in what a record of docker-machine may lack.
 * Its older versions left keys out, and kept the copy of the SSH key under one name for all.
 */
function complete(config: Readonly<GenericConfig>, dir: string): GenericConfig {
  const { IPAddress = '', SSHKey = '' } = config;
  const oldKey = SSHKey === '' ? '' : join(dir, 'id_rsa');
  return {
    ...config,
    IPAddress,
    SSHUser: config.SSHUser || 'root',
    SSHPort: config.SSHPort || SSH_PORT,
    SSHKeyPath: config.SSHKeyPath ?? oldKey,
    EnginePort: config.EnginePort || ENGINE_PORT,
    SSHKey,
  };
}

/** The SSH port is asked after this when the engine's port drops packets. */
const PATIENCE_MS = 1000;

/**
 * Where the host is, if it is up; undefined when it is not. The engine's port is asked first.
 * sshd of OpenSSH 9.8 and newer locks out an address that connects often without logging in
 * (PerSourcePenalties, sshd_config(5)).
 */
async function addressIfUp(context: DriverContext<GenericConfig>): Promise<string | undefined> {
  const { clock, signal } = context;
  const config = complete(context.config, context.machine.dir);
  // Without a host, Node would ask this computer.
  if (config.IPAddress === '') return undefined;
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const ask = (port: number) =>
    accepts(config.IPAddress, port, { timeoutMs: STATE_TIMEOUT_MS, signal: both });
  const engine = ask(config.EnginePort);
  const patience = clock.sleep(PATIENCE_MS, both).catch(() => undefined);
  const login = Promise.race([engine, patience]).then((up) => (up === true ? true : ask(config.SSHPort)));
  const direct = Promise.race([
    engine.then((up) => (up ? true : login)),
    login.then((up) => (up ? true : engine)),
  ]).then((up) => (up ? config.IPAddress : undefined));
  const bySsh = Promise.race([direct, patience.then(() => undefined)]).then((up) =>
    up === undefined ? addressBySsh(context, config) : up,
  );
  try {
    return await Promise.race([direct.then((up) => up ?? bySsh), bySsh.then((up) => up ?? direct)]);
  } finally {
    stop.abort();
  }
}

/** The same by way of the user's ssh config, when that leads elsewhere than the address does. */
async function addressBySsh(
  { userSsh }: DriverContext<GenericConfig>,
  { IPAddress, SSHPort, SSHUser }: GenericConfig,
): Promise<string | undefined> {
  // A config that ssh refuses is told by what logs in.
  const said = await userSsh
    ?.config({ host: IPAddress, port: SSHPort, user: SSHUser })
    .catch(() => undefined);
  if (said === undefined) return undefined;
  const isElsewhere =
    said.proxyJump !== '' ||
    said.proxyCommand !== '' ||
    said.hostName.toLowerCase() !== IPAddress.toLowerCase();
  return isElsewhere && (await userSsh?.isGreeted(STATE_TIMEOUT_MS)) === true ? said.hostName : undefined;
}

/** What the user's ssh config says of the login, where the command line says nothing. */
async function adoptLogin({
  config: { IPAddress, SSHPort, SSHUser },
  userSsh,
}: DriverContext<GenericConfig>): Promise<Partial<GenericConfig>> {
  if (SSHUser !== '' && SSHPort !== 0) return {};
  const said = await userSsh?.config({ host: IPAddress, port: SSHPort, user: SSHUser });
  return { SSHUser: SSHUser || said?.user || 'root', SSHPort: SSHPort || said?.port || SSH_PORT };
}

/** Names of our own files in a machine's folder. Some clouds call a user's key key.pem. */
const TAKEN = new Set([
  ...['ca.pem', 'cert.pem', 'key.pem', 'server.pem', 'server-key.pem', 'known_hosts', 'engine-url'],
  ...['config.json', 'config.json.bak', 'mymachine.json', 'secrets.json'],
]);

const isFile = async (path: string) => (await stat(path).catch(() => undefined))?.isFile() === true;

async function adoptKey(context: DriverContext<GenericConfig>): Promise<Partial<GenericConfig>> {
  const source = context.config.SSHKey;
  if (source === '') return {};
  // A certificate of the user's is soon over, and a new one is put beside the user's own key.
  if (await isFile(`${source}-cert.pub`)) return { SSHKeyPath: resolve(source) };
  const name = basename(source);
  // Some file systems do not tell capitals from small letters.
  const own = join(context.machine.dir, TAKEN.has(name.toLowerCase()) ? 'ssh-key' : name);
  await copyKeyFile(source, own);
  return { SSHKeyPath: own };
}

/** Directory services have names such as EXAMPLE\ann and ann@example.org. */
const userIn = (reader: FlagReader, name: string) =>
  reader.matching(
    name,
    /^[a-zA-Z0-9_.@\\$][a-zA-Z0-9_.@\\$-]{0,63}$/,
    'Give the name of a login user, such as root.',
  );

const host: HostDriver<GenericConfig> = {
  async precheck({ config }) {
    if (config.SSHKey === '') return [];
    if (!(await isFile(config.SSHKey))) {
      throw driverError('MM_GENERIC_KEY', {
        message: `SSH key does not exist: "${config.SSHKey}"`,
        hint: 'Give the path of the private key with --generic-ssh-key, or leave the option out to use your agent and default keys.',
      });
    }
    const key = await readBounded(config.SSHKey).catch((cause: unknown) => {
      throw driverError('MM_GENERIC_KEY', {
        message: `Cannot read the SSH key "${config.SSHKey}": ${printable(messageOf(cause), 200)}`,
        hint: 'Check the path of the key, and that you may read it.',
        cause,
      });
    });
    const begin = key.toString('latin1', 0, 64);
    if (!begin.includes('PRIVATE KEY')) {
      throw driverError('MM_GENERIC_KEY', {
        message: `"${config.SSHKey}" is not a private key`,
        hint: begin.startsWith('ssh-')
          ? 'That is the public half: give the file without .pub.'
          : 'Give a key in OpenSSH or PEM format.',
      });
    }
    return [];
  },
  create: (context) =>
    context.step('generic.key', 'Keeping the SSH key', async () => ({
      ...(await adoptLogin(context)),
      ...(await adoptKey(context)),
    })),
  status: async (context) => {
    const address = await addressIfUp(context);
    const { IPAddress } = complete(context.config, context.machine.dir);
    return { state: address === undefined ? 'Stopped' : 'Running', address: address ?? IPAddress };
  },
  remove: async () => undefined,
};

const { string, int } = flagMakers('generic');

/** A host that is there already and lets us log in. It is adopted, never made or deleted. */
export const genericDriver: Driver<GenericConfig> = {
  api: DRIVER_API,
  name: 'generic',
  summary: 'a host that is there already, reached by SSH',
  flags: [
    int('engine-port', 'Docker engine port', { env: 'GENERIC_ENGINE_PORT', default: ENGINE_PORT }),
    string('ip-address', 'IP Address of machine', { env: 'GENERIC_IP_ADDRESS', required: true }),
    string('ssh-user', 'SSH user', { env: 'GENERIC_SSH_USER', default: 'root', sshConfig: true }),
    string('ssh-key', 'SSH private key path (if not provided, default SSH key will be used)', {
      env: 'GENERIC_SSH_KEY',
      takes: 'file',
    }),
    int('ssh-port', 'SSH port', { env: 'GENERIC_SSH_PORT', default: SSH_PORT, sshConfig: true }),
  ],
  traits: {
    ssh: (config, { dir }) => {
      const { IPAddress, SSHPort, SSHUser, SSHKeyPath } = complete(config, dir);
      return { host: IPAddress, port: SSHPort, user: SSHUser, keyPath: SSHKeyPath };
    },
    provision: true,
    adopted: true,
    hostKey: 'first-use',
    enginePort: (config) => complete(config, '').EnginePort,
  },
  availability: async () => ({ works: true, score: 0, how: 'needs a host with SSH' }),
  configure(flags, base) {
    const config = {
      ...base,
      IPAddress: flags.host('generic-ip-address'),
      // What nobody gave is asked of the user's ssh config at create.
      SSHUser: flags.has('generic-ssh-user') ? userIn(flags, 'generic-ssh-user') || 'root' : '',
      SSHPort: flags.has('generic-ssh-port') ? flags.int('generic-ssh-port', 1, 65_535) : 0,
      // Without a key of its own the machine uses the agent and the user's keys.
      SSHKeyPath: '',
      EnginePort: flags.int('generic-engine-port', 1, 65_535),
      SSHKey: flags.text('generic-ssh-key'),
    };
    // A preference has no address, and is refused all the same for what is wrong with it.
    if (config.IPAddress !== '') return config;
    throw driverError('MM_DRIVER_FLAGS', {
      message: 'generic driver requires the --generic-ip-address option',
      hint: 'Such as "mymachine create --driver generic --generic-ip-address 192.0.2.10 NAME".',
    });
  },
  check(record) {
    record.host('IPAddress');
    userIn(record, 'SSHUser');
    record.int('EnginePort', 0, 65_535);
    record.path('SSHKeyPath');
    record.line('SSHKey');
  },
  load: async () => host,
};
