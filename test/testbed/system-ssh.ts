import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunResult } from '../../src/base/ports.ts';
import type { BaseConfig, DriverContext } from '../../src/sdk/context.ts';
import type { Driver } from '../../src/sdk/driver.ts';
import { openDriver } from './open-driver.ts';
import { testPorts } from './ports.ts';

/**
 * One command through the system's ssh, which accepts the
 * keys that the driver says the host has and no other.
 */
export async function sshTo<C extends BaseConfig>(
  driver: Driver<C>,
  context: DriverContext<C>,
  script: string,
): Promise<RunResult> {
  const host = await openDriver(driver);
  const endpoint = await host.login(context);
  const keys = (await host.hostKeys?.(context)) ?? [];
  const knownHosts = join(context.machine.dir, 'test_known_hosts');
  await writeFile(knownHosts, keys.map((key) => `${context.machine.name} ${key}\n`).join(''));
  const options = [
    'StrictHostKeyChecking=yes',
    `UserKnownHostsFile=${knownHosts}`,
    'GlobalKnownHostsFile=/dev/null',
    `HostKeyAlias=${context.machine.name}`,
    'BatchMode=yes',
    'IdentitiesOnly=yes',
    'LogLevel=ERROR',
    'ConnectTimeout=10',
  ].flatMap((option) => ['-o', option]);
  return testPorts().programs.run(
    [
      'ssh',
      '-F',
      'none',
      ...options,
      '-i',
      endpoint.keyPath,
      '-p',
      String(endpoint.port),
      `${endpoint.user}@${endpoint.host}`,
      script,
    ],
    { timeoutMs: 60_000 },
  );
}
