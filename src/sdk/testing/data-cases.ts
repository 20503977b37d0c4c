import assert from 'node:assert/strict';
import { type BaseConfig, baseConfig } from '../context.ts';
import { DRIVER_API, type Driver } from '../driver.ts';
import { FlagReader, type FlagSpec } from '../flags.ts';
import { RecordReader } from '../record.ts';
import { checkLine } from './checks.ts';
import { deepFrozen, openFlags } from './test-machine.ts';
import { type Bed, type ContractCase, casesOf } from './trial.ts';

const BASE_KEYS = ['IPAddress', 'MachineName', 'SSHUser', 'SSHPort', 'SSHKeyPath', 'StorePath'];
const SWARM_KEYS = ['SwarmMaster', 'SwarmHost', 'SwarmDiscovery'];
const TYPES = { string: 'string', int: 'number', bool: 'boolean', slice: 'object' } as const;

/** What a driver tells of itself, without a host. */
export function dataCases<C extends BaseConfig>(driver: Driver<C>, bed: Bed): readonly ContractCase[] {
  return [
    {
      name: 'The driver has a name, a summary, and is for this version of the contract',
      run: async () => {
        assert.equal(driver.api, DRIVER_API);
        assert.match(driver.name, /^[a-z][a-z0-9-]*$/);
        checkLine(driver.summary, 'The summary');
      },
    },
    { name: 'The flags are well-formed', run: async () => checkFlags(driver.flags) },
    { name: '`configure` is pure', run: async () => checkConfigure(driver, bed) },
    casesOf(driver, bed)(
      '`availability` tells how the driver works, or what is missing',
      async ({ ports, cacheDir }) => {
        const found = await driver.availability(ports, cacheDir);
        checkLine(found.works ? found.how : found.why, 'What it tells');
        if (found.works) assert.ok(Number.isFinite(found.score), 'The score is a number');
      },
    ),
  ];
}

function checkFlags(flags: readonly FlagSpec[]): void {
  for (const { name, kind, help, env, envOwner, secret, ...flag } of flags) {
    assert.match(name, /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, `--${name} is lower-case words with hyphens`);
    assert.ok(Object.hasOwn(TYPES, kind), `--${name} has a kind`);
    checkLine(help, `The help of --${name}`);
    if (env !== undefined) assert.match(env, /^[A-Z][A-Z0-9_]*$/, `--${name} has a variable's name`);
    if (envOwner !== undefined) assert.ok(env, `--${name} has a variable, since it has an owner`);
    if (flag.default !== undefined) {
      assert.equal(typeof flag.default, TYPES[kind], `The default of --${name} is of its kind`);
      assert.equal(Array.isArray(flag.default), kind === 'slice', `The default of --${name} is of its kind`);
    }
    if (secret === true) {
      assert.equal(kind, 'string', `--${name} is a text, since it is secret`);
      assert.equal(flag.default, undefined, `--${name} has no default, since it is secret`);
    }
  }
  for (const words of [flags.map(({ name }) => name), flags.flatMap(({ env }) => env ?? [])])
    assert.deepEqual(words, [...new Set(words)], 'A name of a flag or a variable is there once');
}

function checkConfigure<C extends BaseConfig>(driver: Driver<C>, bed: Bed): void {
  const given = deepFrozen(structuredClone(openFlags(driver.flags, bed.flags)));
  const base = deepFrozen(baseConfig('contract', '/store'));
  const once = driver.configure(new FlagReader(given), base);
  const twice = driver.configure(new FlagReader(given), base);
  assert.equal(JSON.stringify(once), JSON.stringify(twice), 'The same flags give the same config');
  assert.deepEqual(JSON.parse(JSON.stringify(once)), once, 'The config is JSON, and nothing else');
  const keys = Object.keys(once);
  assert.deepEqual(keys.slice(0, BASE_KEYS.length), BASE_KEYS, "The first keys are docker-machine's");
  const swarm = SWARM_KEYS.filter((key) => keys.includes(key));
  assert.deepEqual(swarm, [], 'The store adds the swarm keys');
  assert.equal(once.MachineName, base.MachineName);
  assert.equal(once.StorePath, base.StorePath);
  const folders = { dir: '/store/machines/contract', storeDir: '/store', cacheDir: '/cache' };
  driver.check?.(new RecordReader(once, folders));
}
