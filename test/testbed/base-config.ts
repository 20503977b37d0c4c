import type { BaseConfig } from '../../src/sdk/context.ts';

/** What every driver's record begins with, before anything is known. */
export function baseConfig(name = 'h1', storeDir = '/store'): BaseConfig {
  return {
    IPAddress: '',
    MachineName: name,
    SSHUser: '',
    SSHPort: 22,
    SSHKeyPath: '',
    StorePath: storeDir,
  };
}
