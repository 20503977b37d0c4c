import { join, resolve } from 'node:path';
import type { AuthorityPaths } from '../../machine/deps.ts';
import { cliError } from '../errors.ts';
import { type Io, NO_HOME } from '../io.ts';
import type { CommandFlag, ValuesOf } from './parse.ts';

/** Options of the program itself, before the command or behind it; docker-machine's come first. */
export const globalFlags = [
  { name: 'debug', short: 'D', kind: 'bool', env: 'MACHINE_DEBUG', help: 'Enable debug mode' },
  {
    name: 'storage-path',
    short: 's',
    kind: 'string',
    env: 'MACHINE_STORAGE_PATH',
    takes: 'folder',
    help: 'Configures storage path (default: ~/.docker/machine)',
  },
  {
    name: 'tls-ca-cert',
    kind: 'string',
    env: 'MACHINE_TLS_CA_CERT',
    takes: 'file',
    help: 'CA to verify remotes against',
  },
  {
    name: 'tls-ca-key',
    kind: 'string',
    env: 'MACHINE_TLS_CA_KEY',
    takes: 'file',
    help: 'Private key to generate certificates',
  },
  {
    name: 'tls-client-cert',
    kind: 'string',
    env: 'MACHINE_TLS_CLIENT_CERT',
    takes: 'file',
    help: 'Client cert to use for TLS',
  },
  {
    name: 'tls-client-key',
    kind: 'string',
    env: 'MACHINE_TLS_CLIENT_KEY',
    takes: 'file',
    help: 'Private key used in client TLS auth',
  },
  {
    name: 'github-api-token',
    kind: 'string',
    env: 'MACHINE_GITHUB_API_TOKEN',
    help: 'Accepted for compatibility, and ignored',
    secret: true,
  },
  {
    name: 'native-ssh',
    kind: 'bool',
    env: 'MACHINE_NATIVE_SSH',
    help: 'Use the built-in SSH client instead of the ssh program',
  },
  {
    name: 'bugsnag-api-token',
    kind: 'string',
    env: 'MACHINE_BUGSNAG_API_TOKEN',
    help: 'Accepted for compatibility, and ignored: nothing is ever reported home',
    secret: true,
  },
  {
    name: 'cache-path',
    kind: 'string',
    env: 'MYMACHINE_CACHE_PATH',
    takes: 'folder',
    help: 'Folder of images and other things that can be made again (default: cache in the storage path)',
  },
  {
    name: 'no-ssh-config',
    kind: 'bool',
    env: 'MYMACHINE_NO_SSH_CONFIG',
    help: "Do not read the user's SSH configuration",
  },
] as const satisfies readonly CommandFlag[];

export type Globals = ValuesOf<typeof globalFlags>;

export const versionAndHelp = [
  { name: 'help', short: 'h', kind: 'bool', help: 'show help' },
  { name: 'version', short: 'v', kind: 'bool', help: 'print the version' },
] as const satisfies readonly CommandFlag[];

export function storeRoot(globals: Globals, io: Io): string {
  const given = globals['storage-path'];
  return given === '' ? join(homeOf(io), '.docker', 'machine') : resolve(io.cwd, given);
}

/** @throws MM_ENVIRONMENT where there is none */
export function homeOf(io: Io): string {
  if (io.homeDir !== NO_HOME) return io.homeDir;
  throw cliError('MM_ENVIRONMENT', {
    message: 'HOME is not set, and this user has no home folder to keep machines and settings in',
    hint: 'Set HOME, or name folders with --storage-path and MYMACHINE_PREFS_PATH.',
  });
}

export function cacheRoot(globals: Globals, io: Io): string {
  const given = globals['cache-path'];
  return given === '' ? join(storeRoot(globals, io), 'cache') : resolve(io.cwd, given);
}

export function authorityPaths(globals: Globals, io: Io): AuthorityPaths {
  const certDir = join(storeRoot(globals, io), 'certs');
  const path = (given: string, file: string) => (given === '' ? join(certDir, file) : resolve(io.cwd, given));
  return {
    certDir,
    caCert: path(globals['tls-ca-cert'], 'ca.pem'),
    caKey: path(globals['tls-ca-key'], 'ca-key.pem'),
    clientCert: path(globals['tls-client-cert'], 'cert.pem'),
    clientKey: path(globals['tls-client-key'], 'key.pem'),
  };
}
