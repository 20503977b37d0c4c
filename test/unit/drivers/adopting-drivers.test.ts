import { expect, test } from 'vitest';
import { genericDriver } from '../../../src/drivers/generic/driver.ts';
import { noneDriver } from '../../../src/drivers/none/driver.ts';
import type { BaseConfig } from '../../../src/sdk/context.ts';
import type { Driver } from '../../../src/sdk/driver.ts';
import { FlagReader, type FlagValues } from '../../../src/sdk/flags.ts';
import { driverRecord } from '../../../src/store/record/host-config.ts';

const base: BaseConfig = {
  IPAddress: '',
  MachineName: 'm1',
  SSHUser: 'root',
  SSHPort: 22,
  SSHKeyPath: '',
  StorePath: '/home/u/.docker/machine',
};

/**
 * What a machine of the driver has under `Driver` in
 * its config.json, after a create with these flags.
 */
function record(driver: Driver, flags: FlagValues): string {
  return JSON.stringify(driverRecord(driver.configure(new FlagReader(flags), base), {}));
}

// What docker-machine 0.16.2 writes for the same options,
// but for the port in the address of driver none.
test("a machine of driver none has docker-machine's record: no login, and nothing of a swarm", () => {
  expect(record(noneDriver as unknown as Driver, { url: 'tcp://192.0.2.10:2376' })).toBe(
    '{"IPAddress":"192.0.2.10","MachineName":"m1","SSHUser":"","SSHPort":0,"SSHKeyPath":"","StorePath":"/home/u/.docker/machine","SwarmMaster":false,"SwarmHost":"","SwarmDiscovery":"","URL":"tcp://192.0.2.10:2376"}',
  );
});

test("a machine of driver generic has docker-machine's record: nothing of a swarm", () => {
  const flags = {
    'generic-ip-address': '192.0.2.10',
    'generic-ssh-user': 'admin',
    'generic-ssh-port': 2222,
    'generic-engine-port': 2376,
    'generic-ssh-key': '',
  };
  expect(record(genericDriver as unknown as Driver, flags)).toBe(
    '{"IPAddress":"192.0.2.10","MachineName":"m1","SSHUser":"admin","SSHPort":2222,"SSHKeyPath":"","StorePath":"/home/u/.docker/machine","SwarmMaster":false,"SwarmHost":"","SwarmDiscovery":"","EnginePort":2376,"SSHKey":""}',
  );
});
