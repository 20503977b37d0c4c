import { afterEach, beforeEach, expect, test } from 'vitest';
import { createMachine } from '../../../../src/machine/life/create.ts';
import { switchMachine } from '../../../../src/machine/life/power.ts';
import { Machine } from '../../../../src/machine/machine.ts';
import { DRIVER_API, type Driver, type HostDriver, type MachineState } from '../../../../src/sdk/driver.ts';
import { sshError } from '../../../../src/ssh/errors.ts';
import { UserStore } from '../user-store.ts';

let user: UserStore;
let state: MachineState;
beforeEach(async () => {
  user = await UserStore.make();
  state = 'Running';
});
afterEach(() => user.remove());

const CONSOLE = `${'old\n'.repeat(20)}\u001b[31mKernel panic\u001b[0m\r\n---[ end ]---\n`;

/** A host that boots, and then answers nobody. */
const host: HostDriver = {
  precheck: async () => [],
  create: async () => undefined,
  status: async () => ({ state, address: '127.0.0.1' }),
  remove: async () => undefined,
  power: {
    start: async () => {
      state = 'Running';
    },
    stop: async () => undefined,
    kill: async () => undefined,
  },
  explain: async () => CONSOLE,
};
const driverOf = (own: Partial<HostDriver>): Driver => ({
  api: DRIVER_API,
  name: 'silent',
  summary: 'hosts that answer nobody',
  flags: [],
  traits: { ssh: true, provision: true, adopted: false, hostKey: 'first-use', enginePort: 1 },
  availability: async () => ({ works: true, score: 0, how: 'always' }),
  configure: (_, base) => base,
  load: async () => ({ ...host, ...own }),
});

function depsWith(driver: Driver, code: 'MM_SSH_TIMEOUT' | 'MM_SSH_AUTH') {
  const session = async () => {
    throw sshError(code, { message: 'No', hint: 'None.' });
  };
  // Time passes a hundred times as quickly as it is slept.
  const sleep = async (ms: number) => {
    user.now += ms * 100;
  };
  return {
    ...user.deps,
    clock: { now: () => user.now, sleep },
    drivers: { names: ['silent'], load: async () => driver },
    ssh: async () => ({ session, sessionWhenUp: session, closeAll: () => undefined }),
  };
}

async function created(
  own: Partial<HostDriver> = {},
  code: 'MM_SSH_TIMEOUT' | 'MM_SSH_AUTH' = 'MM_SSH_TIMEOUT',
) {
  const driver = driverOf(own);
  const request = {
    engine: {},
    engineMeta: { install: 'auto', version: '' },
    swarm: {},
    tlsSans: [],
    flags: {},
  };
  return createMachine(depsWith(driver, code), { ...request, name: 'h1', driver }).catch(
    (error: unknown) => error,
  );
}

test('a create whose host never answers shows what the host says last, and how to go on', async () => {
  const error = await created();
  expect(error).toMatchObject({
    code: 'MM_SSH_TIMEOUT',
    message: 'Error creating machine: No',
    hint: expect.stringContaining('create --resume h1'),
    details: `${'old\n'.repeat(8)}Kernel panic\n---[ end ]---`,
  });
});

test.each([
  ['says nothing', { explain: async () => '' }],
  ['cannot be asked', { explain: () => Promise.reject(new Error('It is gone')) }],
])('the failure stands by itself where the host %s', async (_, own) => {
  expect(await created(own)).toMatchObject({ code: 'MM_SSH_TIMEOUT', details: undefined });
});

test('a host that answers, and lets nobody in, is not asked', async () => {
  expect(await created({}, 'MM_SSH_AUTH')).toMatchObject({ code: 'MM_SSH_AUTH', details: undefined });
});

test('a start whose engine never answers shows what the host says last', async () => {
  await created();
  const deps = depsWith(driverOf({}), 'MM_SSH_TIMEOUT');
  await (await Machine.open(deps, 'h1')).enter('ready');
  state = 'Stopped';
  const failed = switchMachine(deps, 'h1', 'start');
  await expect(failed).rejects.toMatchObject({
    // A computer that is busy may be too slow for the refusal.
    code: expect.stringMatching(/^MM_ENGINE_(?:REFUSED|TIMEOUT)$/),
    details: expect.stringContaining('Kernel panic'),
  });
});

test('a login that lets wait for a minute says what is waited for, with what the host says meanwhile', async () => {
  const driver = driverOf({ status: async () => ({ state: 'Running', address: '192.0.2.7' }) });
  const plain = {
    engine: {},
    engineMeta: { install: 'auto', version: '' },
    swarm: {},
    tlsSans: [],
    flags: {},
  };
  const deps = depsWith(driver, 'MM_SSH_TIMEOUT');
  const isTold = () => user.said.some((line) => line.includes('Kernel panic'));
  const sessionWhenUp = async (): Promise<never> => {
    while (!isTold()) await new Promise((resolve) => setImmediate(resolve));
    throw sshError('MM_SSH_TIMEOUT', { message: 'No', hint: 'None.' });
  };
  const ssh = async () => ({ session: sessionWhenUp, sessionWhenUp, closeAll: () => undefined });
  const created = createMachine({ ...deps, ssh }, { ...plain, name: 'h1', driver });
  await expect(created).rejects.toMatchObject({ code: 'MM_SSH_TIMEOUT' });
  const told = user.said.filter((line) => line.includes('root at 192.0.2.7, port 22'));
  expect(told).toHaveLength(1);
});
