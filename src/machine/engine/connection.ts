import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readBounded } from '../../base/files.ts';
import { codeOf, isMachineError, MachineError, messageOf, reworded } from '../../base/machine-error.ts';
import { printable } from '../../base/printable.ts';
import type { CertificateDates, EngineClient, EngineEndpoint } from '../../engine/contract.ts';
import { authorityPathsOf } from '../certs/expiry.ts';
import { machineError } from '../errors.ts';
import type { Machine } from '../machine.ts';
import { noAddress } from '../silence.ts';

/** Files that a client of the machine's engine shows and trusts. */
interface ClientFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

const areThere = (files: ClientFiles) => Object.values(files).every((path) => existsSync(path));

/** The files in the machine's folder. A machine that is only a URL may have those that it names. */
export async function clientFiles(machine: Machine): Promise<ClientFiles> {
  const { caCert, clientCert, clientKey } = authorityPathsOf(machine.deps, machine);
  const own = { ca: machine.file('ca.pem'), cert: machine.file('cert.pem'), key: machine.file('key.pem') };
  const named = { ca: caCert, cert: clientCert, key: clientKey };
  return !areThere(own) && areThere(named) ? named : own;
}

/** The folder for DOCKER_CERT_PATH, where docker looks for ca.pem, cert.pem and key.pem. */
export async function certFolder(machine: Machine): Promise<string> {
  const files = await clientFiles(machine);
  const folder = dirname(files.ca);
  const fits = Object.entries(files).every(([kind, path]) => path === join(folder, `${kind}.pem`));
  if (fits) return folder;
  throw machineError('MM_CERTS_MISSING', {
    message: `docker wants ca.pem, cert.pem and key.pem in one folder, and those of "${machine.name}" are elsewhere: ${Object.values(files).join(', ')}`,
    hint: `Copy them into ${machine.dir} under these names.`,
  });
}

async function readCredential(machine: Machine, path: string): Promise<string> {
  try {
    return String(await readBounded(path));
  } catch (cause) {
    // Somebody may have removed the machine while we were reading; then that is what to say.
    await machine.deps.store.load(machine.name);
    throw machineError('MM_CERTS_MISSING', {
      message: `A certificate of "${machine.name}" ${codeOf(cause) === 'ENOENT' ? 'is missing' : `cannot be read (${printable(messageOf(cause), 100)})`}: ${path}`,
      hint: machine.driver.traits.provision
        ? `Make them again with "mymachine regenerate-certs ${machine.name}".`
        : `Copy ca.pem, cert.pem and key.pem of that engine's clients into ${machine.dir}.`,
      cause,
    });
  }
}

/** Where dockerd listens on its host unless it is told otherwise. */
const ENGINE_SOCKET = '/var/run/docker.sock';

/** A client of the engine at a URL. It loads TLS or SSH, and sends nothing yet. */
export async function engineAt(machine: Machine, url: string, timeoutMs: number): Promise<EngineClient> {
  const [{ createEngineClient }, endpoint] = await Promise.all([
    import('../../engine/client.ts'),
    machine.isThroughSsh ? socketEndpoint(machine) : tlsEndpoint(machine, url),
  ]);
  const { clock, signal, tlsContexts, connectTimeoutMs } = machine.deps;
  const options = { machineName: machine.name, clock, timeoutMs, connectTimeoutMs, signal, tlsContexts };
  return createEngineClient(endpoint, options);
}

/** The engine's socket on its host, over the one connection that this run has there. */
const socketEndpoint = (machine: Machine): EngineEndpoint => ({
  kind: 'stream',
  open: async () => (await machine.session()).connectUnix(ENGINE_SOCKET),
});

type TlsEndpoint = Extract<EngineEndpoint, { kind: 'tls' }>;

async function tlsEndpoint(machine: Machine, url: string): Promise<TlsEndpoint> {
  const { parseEngineUrl } = await import('../../engine/contract.ts');
  const { host, port } = parseEngineUrl(url);
  const files = await clientFiles(machine);
  const read = (path: string) => readCredential(machine, path);
  const [ca, cert, key] = await Promise.all([read(files.ca), read(files.cert), read(files.key)]);
  return { kind: 'tls', host, port, ca, cert, key };
}

/** The machine's URL; fails when it is not running, or has no address. */
export async function engineUrl(machine: Machine): Promise<string> {
  const { state, engineUrl: url } = await machine.look();
  if (state === 'Running' && url !== '') return url;
  throw await noAddress(machine, state);
}

/** Proves that the engine answers now. Gives the dates of the certificate that it showed. */
export async function checkConnection(
  machine: Machine,
  url: string,
  timeoutMs = 20_000,
): Promise<CertificateDates | undefined> {
  const quick = await quickCheck(machine, url);
  if (quick !== undefined) return quick;
  const client = await engineAt(machine, url, timeoutMs);
  try {
    await client.ping();
    return client.serverCertificate();
  } catch (error) {
    throw portIsShut(machine, error);
  } finally {
    client.close();
  }
}

/** In the executable, an engine that is well is asked in a fraction of the time. */
async function quickCheck(machine: Machine, url: string): Promise<CertificateDates | undefined> {
  if (machine.isThroughSsh || !('Bun' in globalThis)) return undefined;
  const { bunRuntime, quickPing } = await import('../../engine/quick-ping.ts');
  const runtime = bunRuntime();
  const endpoint = await tlsEndpoint(machine, url).catch(() => undefined);
  if (runtime === undefined || endpoint === undefined) return undefined;
  return quickPing(runtime, endpoint, machine.deps);
}

const SHUT: readonly string[] = ['MM_ENGINE_REFUSED', 'MM_ENGINE_UNREACHABLE', 'MM_ENGINE_TIMEOUT'];

/** The URL is one of a host that runs, so it is not to be started. */
function portIsShut(machine: Machine, error: unknown): unknown {
  const isOurs = machine.driver.traits.provision && !machine.isThroughSsh;
  if (!isOurs || !isMachineError(error) || !SHUT.includes(error.code)) return error;
  const { code, exitCode, message, details } = error;
  const hint = `The machine runs. See whether its engine does, and whether a firewall there or on the way shuts its port: "mymachine ssh ${machine.name} sudo systemctl status docker".`;
  const text = { message, hint, cause: error };
  return new MachineError(code, exitCode, details === undefined ? text : { ...text, details });
}

/** Errors that new certificates mend. A wrong clock is not among them: it refuses new ones, too. */
const FAULTS: readonly string[] = [
  'MM_ENGINE_CERT_NAME',
  'MM_ENGINE_CERT_EXPIRED',
  'MM_ENGINE_CERT_AUTHORITY',
  'MM_ENGINE_CERT_PURPOSE',
  'MM_ENGINE_CLIENT_CERT',
  'MM_CERTS_MISSING',
];

/** Whether certificates keep us from the engine, and are ours to renew. */
export function isCertificateFault(machine: Machine, error: unknown): boolean {
  return machine.driver.traits.provision && isMachineError(error) && FAULTS.includes(error.code);
}

interface ClientUrlOptions {
  /** The manager of the legacy swarm instead of the engine. */
  readonly swarm: boolean;
  /** What stands before the cause when nothing answers, in docker-machine's words. */
  readonly prefix: string;
}

interface VerifiedUrl {
  readonly url: string;
  /** Dates of the certificate that was shown there. */
  readonly seen: CertificateDates | undefined;
}

/** Where a docker client finds the machine, once something has answered there. */
export async function clientUrl(machine: Machine, options: ClientUrlOptions): Promise<VerifiedUrl> {
  try {
    return await (options.swarm ? swarmManagerUrl(machine) : verifiedUrl(machine));
  } catch (error) {
    // Removed meanwhile: that is no matter of its certificates.
    if (isMachineError(error, 'MM_MACHINE_UNKNOWN')) throw error;
    throw reworded(error, (why) => `${options.prefix}: ${why}`);
  }
}

async function verifiedUrl(machine: Machine): Promise<VerifiedUrl> {
  const url = await engineUrl(machine);
  if (machine.isThroughSsh) return { url, seen: await checkConnection(machine, url) };
  try {
    return { url, seen: await checkConnection(machine, url) };
  } catch (error) {
    throw tlsProblem(machine, url, error);
  }
}

/** docker-machine's words around the cause, which keeps its id and its remedy. */
function tlsProblem(machine: Machine, url: string, cause: unknown): Error {
  if (isMachineError(cause, 'MM_MACHINE_UNKNOWN')) return cause;
  const message = `Error checking and/or regenerating the certs: There was an error validating certificates for host "${url.replace(/^[a-z]+:\/\//, '')}": ${messageOf(cause)}`;
  const regenerate = `You can attempt to regenerate them using "mymachine regenerate-certs ${machine.name}".`;
  if (!(cause instanceof MachineError))
    return machineError('MM_ENV_CHECK', { message, hint: regenerate, cause });
  const hint = isCertificateFault(machine, cause)
    ? `Renew them with "mymachine env --fix ${machine.name}"; running containers keep running.`
    : (cause.hint ?? regenerate);
  return new MachineError(cause.code, cause.exitCode, { message, hint, cause });
}

async function swarmManagerUrl(machine: Machine): Promise<VerifiedUrl> {
  const swarm = machine.config.HostOptions.SwarmOptions;
  if (!swarm.Master) {
    throw machineError('MM_MACHINE_STATE', {
      message: `"${machine.name}" is not a swarm master. The --swarm flag is intended for use with swarm masters`,
      hint: 'Leave --swarm out, or name a machine that was created with --swarm-master.',
    });
  }
  if (machine.isThroughSsh) {
    throw machineError('MM_MACHINE_STATE', {
      message: `"${machine.name}" opens no port for a swarm's manager: its engine is reached through SSH alone`,
      hint: 'Leave --swarm out.',
    });
  }
  const engine = await engineUrl(machine);
  const port = /:(\d+)\s*$/.exec(swarm.Host)?.[1] ?? '3376';
  const url = engine.replace(/:\d+$/, `:${port}`);
  try {
    return { url, seen: await checkConnection(machine, url) };
  } catch (error) {
    const engineIsFine = await checkConnection(machine, engine).then(
      () => true,
      () => false,
    );
    if (!engineIsFine) throw tlsProblem(machine, url, error);
    throw machineError('MM_ENV_CHECK', {
      message: 'Connection to Swarm cannot be checked but the certs are valid. Maybe swarm is not started',
      cause: error,
    });
  }
}
