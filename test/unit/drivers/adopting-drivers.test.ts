import { expect, test } from 'vitest';
import { genericDriver } from '../../../src/drivers/generic/driver.ts';
import { noneDriver } from '../../../src/drivers/none/driver.ts';
import type { BaseConfig } from '../../../src/sdk/driver.ts';

/** As a create with --swarm-master begins. */
const base: BaseConfig = {
  IPAddress: '',
  MachineName: 'm1',
  SSHUser: 'root',
  SSHPort: 22,
  SSHKeyPath: '',
  StorePath: '/home/u/.docker/machine',
  SwarmMaster: true,
  SwarmHost: 'tcp://0.0.0.0:3376',
  SwarmDiscovery: 'token://abc',
};

// What docker-machine 0.16.2 writes for the same options, but for the port in the address of driver none.
test("a machine of driver none has docker-machine's record: no login, and nothing of a swarm", () => {
  expect(JSON.stringify(noneDriver.configure({ url: 'tcp://192.0.2.10:2376' }, base))).toBe(
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
  expect(JSON.stringify(genericDriver.configure(flags, base))).toBe(
    '{"IPAddress":"192.0.2.10","MachineName":"m1","SSHUser":"admin","SSHPort":2222,"SSHKeyPath":"","StorePath":"/home/u/.docker/machine","SwarmMaster":false,"SwarmHost":"","SwarmDiscovery":"","EnginePort":2376,"SSHKey":""}',
  );
});
