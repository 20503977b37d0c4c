import { readFile, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isMachineError } from '../../../src/base/machine-error.ts';
import { leftBehind } from '../../../src/machine/certs/dependents.ts';
import { certificatesOf } from '../../../src/machine/certs/expiry.ts';
import { clientFiles } from '../../../src/machine/engine/connection.ts';
import { refreshSshConfig } from '../../../src/machine/engine/last-address.ts';
import { Machine } from '../../../src/machine/machine.ts';
import { baseConfig } from '../../../src/sdk/context.ts';
import { FlagReader } from '../../../src/sdk/flags.ts';
import { UserStore } from './user-store.ts';

let user: UserStore;
beforeAll(async () => {
  user = await UserStore.make();
});
afterAll(() => user.remove());

/** Writes the machine's record with other values under `Driver`. undefined takes a key away. */
async function rewrite(name: string, patch: object): Promise<void> {
  const path = user.deps.store.paths.config(name);
  const record = JSON.parse(await readFile(path, 'utf8'));
  await writeFile(path, JSON.stringify({ ...record, Driver: { ...record.Driver, ...patch } }));
}

const awkward = fc.constantFrom<unknown>(
  ...['', '-oProxyCommand=touch /tmp/x', 'a b', 'a\nHost *', '../../etc/passwd', '/dev/null\0', '$(id)'],
  ...[-1, 0, 1.5, 65_536, 22, 2376, 1e300, null, true, [], {}, [1], { host: 1 }, '22', '::1', 'h1'],
);
const keys = ['IPAddress', 'SSHPort', 'SSHUser', 'SSHKeyPath', 'MachineName', 'StorePath'];

test.each([
  { driver: 'generic', own: ['EnginePort', 'SSHKey'] },
  { driver: 'none', own: ['URL'] },
] as const)('a record of $driver that anybody may have written is refused or harmless', async (of) => {
  await user.addMachine(of.driver, of.driver);
  const path = user.deps.store.paths.config(of.driver);
  const good = await readFile(path, 'utf8');
  const value = fc.oneof(awkward, fc.jsonValue(), fc.string({ unit: 'binary' }), fc.constant(undefined));
  const patch = fc.dictionary(fc.constantFrom(...keys, ...of.own), value, { minKeys: 1, maxKeys: 3 });
  await fc.assert(
    fc.asyncProperty(patch, async (patch) => {
      await writeFile(path, good);
      await rewrite(of.driver, patch);
      const machine = await Machine.open(user.deps, of.driver).catch((error: unknown) => {
        expect(isMachineError(error, 'MM_MACHINE_BROKEN'), String(error)).toBe(true);
        return undefined;
      });
      if (machine === undefined) return;
      expect(machine.enginePort).toSatisfy((port) => Number.isInteger(port) && port > 0 && port < 65_536);
      if (of.driver === 'none') {
        expect((await machine.look()).engineUrl).toMatch(/^[^\u0000-\u001f\u007f]*$/);
        return;
      }
      const { host, port, user: login, keyPath } = await machine.sshTarget();
      expect(host).toMatch(/^(?!-)[\w.:%-]*$/);
      expect(port).toSatisfy((port) => Number.isInteger(port) && port > 0 && port < 65_536);
      expect(login).toMatch(/^(?!-)[^\s"']+$/);
      expect(keyPath).toMatch(/^(\/[^\0]*)?$/);
    }),
    { numRuns: 300 },
  );
});

test.each<[string, object]>([
  ['IPAddress', { IPAddress: '-oProxyCommand=x' }],
  ['SSHPort', { SSHPort: 22.5 }],
  ['SSHUser', { SSHUser: 'a b' }],
  ['SSHKeyPath', { SSHKeyPath: 'id_rsa\nHost *' }],
  ['EnginePort', { EnginePort: '2376' }],
])('the key %s that is at fault is named, and its value is not', async (key, patch) => {
  const name = `bad-${key.toLowerCase()}`;
  await user.addMachine(name);
  await rewrite(name, patch);
  const opened = Machine.open(user.deps, name);
  await expect(opened).rejects.toMatchObject({ code: 'MM_MACHINE_BROKEN' });
  await expect(opened).rejects.toThrow(`config.json: Driver.${key} cannot be used. Give `);
  await expect(opened).rejects.not.toThrow(String(Object.values(patch)[0]));
});

test.each(['../../x', 'a,file=/etc/passwd', 'a b', '-x', ''])(
  'the id %j, which drivers hand on, is refused',
  async (id) => {
    const name = `id-${Buffer.from(id).toString('hex')}`;
    const { meta } = await user.addMachine(name);
    await writeFile(user.deps.store.paths.meta(name), JSON.stringify({ ...meta, id }));
    await expect(Machine.open(user.deps, name)).rejects.toMatchObject({ code: 'MM_MACHINE_BROKEN' });
  },
);

test('a record of qemu whose ports are options of QEMU is not opened', async () => {
  await user.addMachine('vm');
  const path = user.deps.store.paths.config('vm');
  const qemu = await user.deps.drivers.load('qemu');
  const flags = Object.fromEntries(qemu.flags.map((flag) => [flag.name, flag.default ?? '']));
  const Driver = qemu.configure(new FlagReader(flags), baseConfig('vm', user.root));
  const write = async (patch: object) => {
    const record = JSON.parse(await readFile(path, 'utf8'));
    const Published = [{ host: 23080, guest: 80, protocol: 'tcp', ...patch }];
    await writeFile(
      path,
      JSON.stringify({ ...record, DriverName: 'qemu', Driver: { ...Driver, Published } }),
    );
  };
  await write({});
  expect((await Machine.open(user.deps, 'vm')).name).toBe('vm');
  await write({ guest: '80,guestfwd=tcp:10.0.2.100:80-file:/tmp/precious' });
  const opened = Machine.open(user.deps, 'vm');
  await expect(opened).rejects.toMatchObject({ code: 'MM_MACHINE_BROKEN' });
  await expect(opened).rejects.toThrow('Driver.Published[0].guest cannot be used. ');
});

test('what anybody may have written beside the driver is refused or harmless', async () => {
  const machine = await user.addMachine('whole');
  const path = user.deps.store.paths.config('whole');
  const good = JSON.parse(await readFile(path, 'utf8'));
  const { EngineOptions, SwarmOptions, AuthOptions } = machine.config.HostOptions;
  const places = [
    ...['ConfigVersion', 'DriverName', 'HostOptions', 'Driver', 'Name'].map((key) => [key]),
    ...Object.entries({ EngineOptions, SwarmOptions, AuthOptions }).flatMap(([part, options]) =>
      [[], ...Object.keys(options).map((key) => [key])].map((rest) => ['HostOptions', part, ...rest]),
    ),
  ];
  const value = fc.oneof(awkward, fc.jsonValue());
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...places), value, async (place, value) => {
      const record = structuredClone(good);
      const last = place[place.length - 1] ?? '';
      let at = record;
      for (const key of place.slice(0, -1)) at = at[key];
      at[last] = value;
      await writeFile(path, JSON.stringify(record));
      try {
        const opened = await Machine.open(user.deps, 'whole');
        const files = Object.values(await clientFiles(opened));
        expect(files.every((file) => typeof file === 'string')).toBe(true);
        await certificatesOf(user.deps, { name: 'whole', config: opened.config, meta: opened.meta });
        await leftBehind(user.deps);
        await refreshSshConfig(user.deps);
      } catch (error) {
        expect(isMachineError(error), `${JSON.stringify(place)} ${String(error)}`).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
});
