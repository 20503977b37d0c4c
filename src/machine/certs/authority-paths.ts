import { join, relative } from 'node:path';
import { rootOf } from '../../store/record/migrate.ts';
import type { StoredMachine } from '../../store/store.ts';
import type { AuthorityPaths, MachineDeps } from '../deps.ts';

/**
 * Where the authority and client certificate of a machine lie: where --tls-* said when it was made.
 * A store that was moved or copied since has its own certificates with it.
 */
export function authorityPathsOf(
  deps: Pick<MachineDeps, 'authority' | 'store'>,
  stored: Pick<StoredMachine, 'config'>,
): AuthorityPaths {
  const auth = stored.config.HostOptions.AuthOptions;
  const madeIn = auth.StorePath === '' ? undefined : rootOf(auth.StorePath);
  const path = (text: string, standard: string): string => {
    if (text === '') return standard;
    const within = madeIn === undefined ? '..' : relative(madeIn, text);
    return within.startsWith('..') ? text : join(deps.store.paths.root, within);
  };
  return {
    certDir: path(auth.CertDir, deps.authority.certDir),
    caCert: path(auth.CaCertPath, deps.authority.caCert),
    caKey: path(auth.CaPrivateKeyPath, deps.authority.caKey),
    clientCert: path(auth.ClientCertPath, deps.authority.clientCert),
    clientKey: path(auth.ClientKeyPath, deps.authority.clientKey),
  };
}
