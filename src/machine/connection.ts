import { readFile } from 'node:fs/promises';
import { createEngineClient } from '../engine/client.ts';
import type { CertificateDates, EngineClient } from '../engine/contract.ts';
import { parseEngineUrl } from '../engine/url.ts';
import { authorityPathsOf } from './authority-paths.ts';
import { machineError } from './errors.ts';
import type { Machine } from './machine.ts';

/** Files of a client of the machine's engine; the folder is what DOCKER_CERT_PATH names. */
export interface ClientFiles {
  readonly folder: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export function clientFiles(machine: Machine): ClientFiles {
  return {
    folder: machine.dir,
    ca: machine.file('ca.pem'),
    cert: machine.file('cert.pem'),
    key: machine.file('key.pem'),
  };
}

async function readCredential(machine: Machine, path: string, fallback: string): Promise<string> {
  for (const candidate of [path, fallback]) {
    try {
      return await readFile(candidate, 'utf8');
    } catch {
      // docker-machine keeps none beside a machine without a driver: there the store's own serve.
    }
  }
  throw machineError('MM_CERTS_MISSING', {
    message: `a certificate of "${machine.name}" is missing: ${path}`,
    hint: `Make them again with "mymachine regenerate-certs ${machine.name}".`,
  });
}

/** A client of the machine's engine at its URL. Nothing is sent yet. */
export async function engineAt(machine: Machine, url: string, timeoutMs: number): Promise<EngineClient> {
  const { host, port } = parseEngineUrl(url);
  const files = clientFiles(machine);
  const paths = authorityPathsOf(machine.deps, machine);
  const [ca, cert, key] = await Promise.all([
    readCredential(machine, files.ca, paths.caCert),
    readCredential(machine, files.cert, paths.clientCert),
    readCredential(machine, files.key, paths.clientKey),
  ]);
  return createEngineClient(
    { kind: 'tls', host, port, ca, cert, key },
    { machineName: machine.name, clock: machine.deps.clock, timeoutMs, signal: machine.deps.signal },
  );
}

/** The machine's URL; fails when it is not running. */
export async function engineUrl(machine: Machine): Promise<string> {
  const context = machine.context();
  const state = await machine.driver.state(context);
  const url = state === 'Running' ? await machine.driver.engineUrl(context) : '';
  if (url !== '') return url;
  throw machineError('MM_MACHINE_NOT_RUNNING', {
    message: 'Host is not running',
    hint: `Start it with "mymachine start ${machine.name}".`,
  });
}

/**
 * Proves that the engine answers over TLS now, as `env`, `config` and the end of `create` do. Gives the dates of the
 * certificate that it showed.
 */
export async function checkConnection(
  machine: Machine,
  url: string,
  timeoutMs = 20_000,
): Promise<CertificateDates | undefined> {
  const client = await engineAt(machine, url, timeoutMs);
  try {
    await client.ping();
    return client.serverCertificate();
  } finally {
    client.close();
  }
}
