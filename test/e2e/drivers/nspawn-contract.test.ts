import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { unitName } from '../../../src/drivers/nspawn/container/container.ts';
import { nspawnDriver } from '../../../src/drivers/nspawn/driver.ts';
import { networkId } from '../../../src/drivers/nspawn/network/leases.ts';
import { networkNames } from '../../../src/drivers/nspawn/network/network.ts';
import { driverContract } from '../../../src/sdk/testing/index.ts';
import { testLocks } from '../../testbed/driver-context.ts';
import { leftoversOf } from '../../testbed/leftovers.ts';
import { testCacheDir } from '../../testbed/testbed.ts';

const folder = await mkdtemp('/var/tmp/mymachine-nspawn-contract-');
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Machines of all cases. Nothing on this computer tells which of them a case made. */
const ids = new Set<string>();
const watched: typeof nspawnDriver = {
  ...nspawnDriver,
  load: async () => {
    const host = await nspawnDriver.load();
    return {
      ...host,
      create: (context) => {
        ids.add(context.machine.id);
        return host.create(context);
      },
    };
  },
};

/** What a store and those machines have on this computer, once for each kind. */
async function holdings(storeDir: string): Promise<readonly string[]> {
  const names = [...Object.values(networkNames(networkId(storeDir))), ...[...ids].map(unitName), storeDir];
  const lines = (await leftoversOf(storeDir, [...ids])).map((line) => {
    const kind = /^[a-z]+/.exec(line.replace(/^ip (?:-brief )?/, ''))?.[0] ?? '';
    return `${kind} ${names.find((name) => line.includes(name))}`;
  });
  return [...new Set(lines)];
}

const contract = await driverContract(watched, {
  flags: { 'nspawn-engine': false },
  holdings,
  folder,
  cacheDir: testCacheDir,
  // Sixty boots more would take three minutes.
  isSlow: true,
  withLock: testLocks(join(folder, 'locks'), testCacheDir),
});

test.each(contract.map((each) => [each.name, each] as const))('%s', (_, { run }) => run());

test('the machines of the contract were real ones', () => {
  expect(ids.size).toBeGreaterThan(5);
});
