import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nspawnFlags } from '../../../../src/drivers/nspawn/config.ts';
import { switchMachine } from '../../../../src/machine/life/power.ts';
import { planMachine } from '../../../../src/machine/life/record.ts';
import type { MachineState } from '../../../../src/sdk/driver.ts';
import { openFlags } from '../../../../src/sdk/testing/test-machine.ts';
import type { Phase } from '../../../../src/store/record/meta.ts';
import { UserStore } from '../user-store.ts';

let user: UserStore;
/** How long the program waited. */
let slept: number;

beforeEach(async () => {
  user = await UserStore.make();
  slept = 0;
});
afterEach(() => user.remove());

/** A container machine of which nothing but the record is there. */
async function recorded(phase: Phase): Promise<void> {
  const driver = await user.deps.drivers.load('nspawn');
  const plain = { engine: {}, engineMeta: { install: 'auto', version: '' }, swarm: {}, tlsSans: [] };
  const machine = planMachine(user.deps, { ...plain, name: 'm1', driver, flags: openFlags(nspawnFlags, {}) });
  await user.deps.store.add({ name: 'm1', config: machine.config, meta: { ...machine.meta, phase } });
}

function deps() {
  const sleep = async (ms: number) => {
    slept += ms;
    user.now += ms;
  };
  return { ...user.deps, clock: { now: () => user.now, sleep } };
}

describe.each(['start', 'stop', 'kill', 'restart'] as const)('%s at once', (verb) => {
  test('says that a create which was cut before it made a host must be finished first', async () => {
    await recorded('creating');
    await expect(switchMachine(deps(), 'm1', verb)).rejects.toMatchObject({
      code: 'MM_MACHINE_UNFINISHED',
      hint: expect.stringContaining('mymachine create --resume m1'),
    });
    expect(slept).toBe(0);
  });

  test('says that a host is gone, and how its record goes', async () => {
    await recorded('ready');
    await expect(switchMachine(deps(), 'm1', verb)).rejects.toMatchObject({
      code: 'MM_MACHINE_STATE',
      message: expect.stringContaining('is gone'),
      hint: expect.stringContaining('mymachine rm m1'),
    });
    expect(slept).toBe(0);
  });
});

test.each(['start', 'restart'] as const)(
  '%s does not boot what a cut create left half made',
  async (verb) => {
    await recorded('creating');
    await mkdir(join(user.deps.store.paths.machine('m1'), 'nspawn'));
    await expect(switchMachine(deps(), 'm1', verb)).rejects.toMatchObject({ code: 'MM_MACHINE_UNFINISHED' });
  },
);

test('a host whose folder goes while it runs counts as stopped once nothing of it runs', async () => {
  await recorded('ready');
  const driver = await user.deps.drivers.load('nspawn');
  const host = await driver.load();
  let state: MachineState = 'Running';
  const end = async () => {
    await rm(join(user.deps.store.paths.machine('m1'), 'nspawn'), { recursive: true, force: true });
    state = 'None';
  };
  const vanishing = {
    ...driver,
    load: async () => ({
      ...host,
      status: async () => ({ state, address: '' }),
      power: { start: end, stop: end, kill: end },
    }),
  };
  const drivers = { names: ['nspawn'], load: async () => vanishing };
  await switchMachine({ ...deps(), drivers }, 'm1', 'stop');
  expect(slept).toBe(0);
});
