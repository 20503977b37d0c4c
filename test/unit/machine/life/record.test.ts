import { afterEach, beforeEach, expect, test } from 'vitest';
import { planMachine } from '../../../../src/machine/life/record.ts';
import { openFlags } from '../../../../src/sdk/testing/test-machine.ts';
import { UserStore } from '../user-store.ts';

let user: UserStore;
beforeEach(async () => {
  user = await UserStore.make();
});
afterEach(() => user.remove());

const ASKED = { Master: true, Host: 'tcp://0.0.0.0:3377', Discovery: 'token://abc' };

// As docker-machine's own drivers did.
test.each([
  ['none', { url: 'tcp://192.0.2.10:2376' }, [false, '', '']],
  ['generic', { 'generic-ip-address': '192.0.2.10' }, [false, '', '']],
  ['qemu', {}, [true, 'tcp://0.0.0.0:3377', 'token://abc']],
  ['virtualbox', {}, [true, 'tcp://0.0.0.0:3377', 'token://abc']],
  ['amazonec2', {}, [true, 'tcp://0.0.0.0:3377', 'token://abc']],
])(
  'a record of driver %s has the swarm that was asked for, unless its host is adopted',
  async (name, given, kept) => {
    const driver = await user.deps.drivers.load(name);
    const request = { engine: {}, engineMeta: { install: 'auto', version: '' }, swarm: ASKED, tlsSans: [] };
    const flags = openFlags(driver.flags, given);
    const { Driver, HostOptions } = planMachine(user.deps, { ...request, name: 'h1', driver, flags }).config;
    expect([Driver['SwarmMaster'], Driver['SwarmHost'], Driver['SwarmDiscovery']]).toEqual(kept);
    expect(HostOptions.SwarmOptions).toMatchObject(ASKED);
  },
);
