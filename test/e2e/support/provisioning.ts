import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { isMachineError, type MachineError } from '../../../src/base/machine-error.ts';
import type { KeyPair } from '../../../src/certs/create.ts';
import {
  createAuthority,
  createClientCertificate,
  createServerCertificate,
} from '../../../src/certs/create.ts';
import type {
  EngineSpec,
  HostOriginal,
  HostPorts,
  ProvisionInput,
  ProvisionOutcome,
} from '../../../src/provision/contract.ts';
import { provisionHost } from '../../../src/provision/provision.ts';
import { restoreHost } from '../../../src/provision/restore.ts';
import type { SshSession } from '../../../src/ssh/contract.ts';
import { createSshConnector } from '../../../src/ssh/session/connector.ts';
import type { TestHost } from '../../testbed/host.ts';
import { testPorts } from '../../testbed/ports.ts';

const spec: EngineSpec = {
  install: 'distro',
  installUrl: 'https://get.docker.com',
  version: '',
  port: 2376,
  labels: ['provider=generic'],
  registryMirrors: [],
  insecureRegistries: [],
  storageDriver: '',
  options: [],
  env: [],
};

/**
 * A test host with a session to it and certificates for it, to be provisioned as the machine "m1".
 */
export interface Adopted extends HostPorts {
  readonly host: TestHost;
  readonly spec: EngineSpec;
  /** All that was said. */
  readonly said: string[];
  /** What provisioning has told of the host as it was before. */
  readonly originals: readonly HostOriginal[];
  readonly ca: KeyPair;
  readonly client: KeyPair;
  /** How many commands have been run over the session. */
  commands(): number;
  renewCertificate(): Promise<void>;
  provision(engine?: Partial<EngineSpec>, input?: Partial<ProvisionInput>): Promise<ProvisionOutcome>;
  restore(): Promise<void>;
  /** What the engine answers to GET /version over mutual TLS; fails as the connection does. */
  ask(client?: KeyPair): Promise<string>;
  close(): Promise<void>;
}

export async function adopt(host: TestHost, password = ''): Promise<Adopted> {
  const said: string[] = [];
  const originals: HostOriginal[] = [];
  const ports = testPorts(said);
  const dir = await mkdtemp(join(tmpdir(), 'mymachine-provision-'));
  const connector = createSshConnector({ ...ports, sshAuthSock: '', homeDir: dir, useUserConfig: false });
  const plain = await connector.session({
    host: host.address,
    port: 22,
    user: host.user,
    keyPath: host.keyPath,
    knownHostsPath: join(dir, 'known_hosts'),
    hostKeyAlias: host.name,
    trust: 'first-use',
    machineName: 'm1',
  });
  let count = 0;
  const session: SshSession = {
    target: plain.target,
    remoteAddress: plain.remoteAddress,
    exec: (argv, options) => {
      count += 1;
      return plain.exec(argv, options);
    },
    writeFile: (path, content, mode) => plain.writeFile(path, content, mode),
    connectUnix: (path) => plain.connectUnix(path),
    close: () => plain.close(),
  };
  const now = Date.now();
  const ca = await createAuthority({ organization: 'test', now });
  const client = await createClientCertificate(ca, { organization: 'test', now });
  const newServer = () =>
    createServerCertificate(ca, { organization: 'test', now: Date.now(), sans: [host.address, 'localhost'] });
  let server = await newServer();
  const common = { ...ports, session, machineName: 'm1', sudoPassword: async () => password };
  return {
    ...common,
    host,
    spec,
    said,
    originals,
    ca,
    client,
    commands: () => count,
    renewCertificate: async () => {
      server = await newServer();
    },
    provision: (engine = {}, input = {}) =>
      provisionHost({
        ...common,
        rename: true,
        adopted: true,
        engine: { ...spec, ...engine },
        tls: { ca: ca.cert, serverCert: server.cert, serverKey: server.key },
        allowRemoval: async () => false,
        keepOriginal: async (original) => void originals.push(original),
        ...input,
      }),
    restore: () => restoreHost({ ...common, original: undefined }),
    ask: (pair = client) => askVersion(host.address, ca.cert, pair),
    close: async () => {
      connector.closeAll();
      await rm(dir, { recursive: true });
    },
  };
}

function askVersion(address: string, ca: string, { cert, key }: KeyPair): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect({ host: address, port: 2376, ca, cert, key, timeout: 10_000 });
    socket.on('secureConnect', () => socket.write('GET /version HTTP/1.0\r\nHost: engine\r\n\r\n'));
    socket.on('data', (chunk) => {
      answer += String(chunk);
    });
    socket.on('timeout', () => socket.destroy(new Error('no answer in ten seconds')));
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
}

/** The MachineError that some work fails with; anything else fails the test. */
export async function failureOf(work: Promise<unknown>): Promise<MachineError> {
  try {
    await work;
  } catch (error) {
    if (isMachineError(error)) return error;
    throw error;
  }
  throw new Error('It was expected to fail, and did not');
}

/**
 * Everything below /etc with its content, mode and
 * owner, and what of ours may stand elsewhere on a host.
 */
export async function standOf(host: TestHost): Promise<readonly string[]> {
  const script = `
    find /etc /var/lib/mymachine -xdev -printf '%m %U:%G %p %l\\n' 2>/dev/null | sort -k3
    find /etc /var/lib/mymachine -xdev -type f -exec sha256sum {} + 2>/dev/null | sort -k2
    dpkg --get-selections
    uname -n
    ls -d /run/lock/mymachine* /run/mymachine* /run/systemd/system/docker* 2>/dev/null
    systemctl is-enabled docker.service docker.socket 2>/dev/null
    find /var/lib/docker /var/lib/containerd -maxdepth 1
    getent group docker
    echo end
  `;
  const lines = (await host.must(['sh', '-c', script])).split('\n');
  // Caches, and the copies that adduser and the like make of their files.
  return lines.filter(
    (line) =>
      !/ld\.so\.cache|\/etc\/(?:group|gshadow|passwd|shadow|subuid|subgid)-|\/etc\/\.pwd\.lock|^755 0:0 \/etc $/.test(
        line,
      ),
  );
}
