import { afterEach, beforeEach, expect, test } from 'vitest';
import { fleetStatus } from '../../../../src/machine/fleet/status.ts';
import { createMachine } from '../../../../src/machine/life/create.ts';
import { switchMachine } from '../../../../src/machine/life/power.ts';
import { reprovision } from '../../../../src/machine/life/reprovision.ts';
import { DRIVER_API, type Driver } from '../../../../src/sdk/driver.ts';
import { UserStore } from '../user-store.ts';

const FAULT = 'its way out (helper) is not running: "mymachine start h1" makes it again';
let user: UserStore;
let fault: string;

beforeEach(async () => {
  user = await UserStore.make();
  fault = '';
});
afterEach(() => user.remove());

/** Hosts that run on while a program that serves them dies. A start brings that back. */
const driver = (provision: boolean): Driver => ({
  api: DRIVER_API,
  name: 'served',
  summary: 'hosts that a program of this computer serves',
  flags: [],
  traits: { ssh: true, provision, adopted: false, hostKey: 'first-use' },
  availability: async () => ({ works: true, score: 0, how: 'always' }),
  configure: (_, base) => base,
  load: async () => ({
    precheck: async () => [],
    create: async () => undefined,
    status: async () => ({ state: 'Running', address: '192.0.2.7', fault }),
    remove: async () => undefined,
    power: {
      start: async () => {
        fault = '';
      },
      stop: async () => undefined,
      kill: async () => undefined,
    },
  }),
});

const depsOf = (provision: boolean) => ({
  ...user.deps,
  drivers: { names: ['served'], load: async () => driver(provision) },
});

async function machine(): Promise<void> {
  const plain = { engine: {}, engineMeta: { install: 'auto', version: '' }, swarm: {}, tlsSans: [] };
  await createMachine(depsOf(false), { ...plain, flags: {}, name: 'h1', driver: driver(false) });
  fault = FAULT;
}

test('ls says among its errors what is wrong with a host that runs', async () => {
  await machine();
  const [row] = await fleetStatus(depsOf(false), await user.deps.store.loadAll(), {
    timeoutMs: 10_000,
    engine: false,
  });
  expect(row).toMatchObject({ state: 'Running', error: FAULT });
});

test('start mends it, and is refused for a host with which nothing is wrong', async () => {
  await machine();
  await switchMachine(depsOf(false), 'h1', 'start');
  expect(fault).toBe('');
  expect(user.said).toContain(`"h1" runs, and ${FAULT}`);
  await expect(switchMachine(depsOf(false), 'h1', 'start')).rejects.toThrow('already running');
});

test('provision mends it before it needs the host', async () => {
  await machine();
  await expect(reprovision(depsOf(true), 'h1', false)).rejects.toThrow('no host here');
  expect(fault).toBe('');
});
