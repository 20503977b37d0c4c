import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  defaultEngineOptions,
  defaultSwarmOptions,
  emptyAuthOptions,
  formatHostConfig,
  type HostConfig,
} from '../../../../src/store/record/host-config.ts';
import { readHostConfig } from '../../../../src/store/record/read-config.ts';
import { parseRecord } from '../../../../src/store/record/record-json.ts';

const read = (value: unknown) => readHostConfig(value, 'h1');
const again = (config: HostConfig) => read(parseRecord(formatHostConfig(config)));

test('keys that differ in case alone are read as Go reads them: the last one counts, and one is written', () => {
  const config = read(
    parseRecord(`{"configversion": 3, "DRIVER": {"URL": "x", "Url": "kept"}, "drivername": "generic", "DriverName": "none",
      "hostoptions": {"engineoptions": {"LABELS": ["a"], "labels": ["b"], "tlsverify": false, "TlsVerify": null}}}`),
  );
  expect(config).toMatchObject({
    ConfigVersion: 3,
    DriverName: 'none',
    Driver: { URL: 'x', Url: 'kept' },
    HostOptions: { EngineOptions: { Labels: ['b'], TlsVerify: false } },
  });
  expect(Object.keys(config)).toEqual(['ConfigVersion', 'Driver', 'DriverName', 'HostOptions', 'Name']);
  expect(Object.keys(config.HostOptions.EngineOptions)).toEqual(Object.keys(defaultEngineOptions()));
});

test('keys are written in docker-machine order, unknown ones behind them at every level', () => {
  const config = read({
    Extra: 1,
    Name: 'other',
    HostOptions: {
      More: {},
      AuthOptions: { New: null, StorePath: '/s/machines/h1' },
      SwarmOptions: { Old: 'x' },
      EngineOptions: { TlsCaCert: '' },
    },
    DriverName: 'none',
    Driver: { z: 1, a: 2 },
    ConfigVersion: 3,
  });
  expect(Object.keys(config)).toEqual([
    'ConfigVersion',
    'Driver',
    'DriverName',
    'HostOptions',
    'Name',
    'Extra',
  ]);
  expect(Object.keys(config.HostOptions)).toEqual([
    'Driver',
    'Memory',
    'Disk',
    'EngineOptions',
    'SwarmOptions',
    'AuthOptions',
    'More',
  ]);
  expect(Object.keys(config.Driver)).toEqual(['z', 'a']);
  expect(Object.keys(config.HostOptions.AuthOptions)).toEqual([...Object.keys(emptyAuthOptions()), 'New']);
  expect(config.Name).toBe('h1');
  expect(again(config)).toEqual(config);
});

test('null where a value belongs is Go for nothing said; a value of another type is a broken record', () => {
  const nulls = (defaults: object) => Object.fromEntries(Object.keys(defaults).map((key) => [key, null]));
  const config = read({
    ConfigVersion: 3,
    Driver: {},
    DriverName: 'none',
    HostOptions: {
      EngineOptions: nulls(defaultEngineOptions()),
      SwarmOptions: nulls(defaultSwarmOptions()),
      AuthOptions: null,
    },
  });
  expect(config.HostOptions).toMatchObject({
    EngineOptions: defaultEngineOptions(),
    SwarmOptions: defaultSwarmOptions(),
    AuthOptions: emptyAuthOptions(),
  });
  for (const [key, value] of [
    ['Labels', 'x'],
    ['Labels', [1]],
    ['InstallURL', 7],
    ['TlsVerify', 'true'],
  ] as const) {
    const record = {
      ConfigVersion: 3,
      Driver: {},
      DriverName: 'x',
      HostOptions: { EngineOptions: { [key]: value } },
    };
    expect(() => read(record)).toThrow(`EngineOptions.${key} is not a`);
  }
  for (const version of [-1, 1.5, '3', {}])
    expect(() => read({ ConfigVersion: version, Driver: {}, DriverName: 'x' })).toThrow('ConfigVersion');
});

const text = fc.string();
const list = fc.array(text, { maxLength: 3 });
const extra = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 3 });
const sometimes = <T extends object>(shape: { readonly [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(shape, { requiredKeys: [] });
const lists = fc.oneof(list, fc.constant(null));

const options = sometimes({
  Driver: text,
  Memory: fc.nat(),
  EngineOptions: sometimes({
    ArbitraryFlags: lists,
    Dns: lists,
    Env: lists,
    Labels: lists,
    InstallURL: text,
    TlsVerify: fc.boolean(),
  }),
  SwarmOptions: sometimes({
    Discovery: text,
    Master: fc.boolean(),
    Host: text,
    Heartbeat: fc.nat(),
    ArbitraryFlags: lists,
  }),
  AuthOptions: sometimes({
    StorePath: fc.oneof(text, fc.constant('/home/u/.docker/machine/machines/h1')),
    CaCertPath: text,
    PrivateKeyPath: text,
    ClientCertPath: text,
  }),
});
const flat = sometimes({
  StorePath: fc.oneof(text, fc.constant('/home/u/.docker/machine/machines/h1')),
  CaCertPath: text,
  PrivateKeyPath: text,
  ClientKeyPath: text,
  SwarmMaster: fc.boolean(),
  SwarmHost: text,
});
const record = fc
  .tuple(
    extra,
    flat,
    fc.record({ DriverName: text, Driver: extra, HostOptions: options, ConfigVersion: fc.nat(3) }),
  )
  .map(([unknown, old, known]) => ({ ...unknown, ...old, ...known }));

test('whatever record of versions 0 to 3 is read is one of version 3, and writing it loses nothing', () => {
  fc.assert(
    fc.property(record, (value) => {
      const config = read(parseRecord(JSON.stringify(value)));
      expect(config.ConfigVersion).toBe(3);
      expect(config.Name).toBe('h1');
      expect(config.DriverName).toBe(value.DriverName);
      expect(again(config)).toEqual(config);
    }),
  );
});

test('no record makes reading throw anything but a plain error that says what is wrong', () => {
  const shaped = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(
      fc.constantFrom('ConfigVersion', 'Driver', 'DriverName', 'HostOptions', 'StorePath', 'name'),
      fc.jsonValue(),
    ),
    fc.tuple(fc.nat(3), fc.jsonValue(), fc.jsonValue()).map(([ConfigVersion, a, b]) => ({
      ConfigVersion,
      Driver: {},
      DriverName: 'x',
      HostOptions: { AuthOptions: a, SwarmOptions: b },
    })),
  );
  fc.assert(
    fc.property(shaped, (value) => {
      try {
        expect(read(value).ConfigVersion).toBe(3);
      } catch (error) {
        expect(Object.getPrototypeOf(error)).toBe(Error.prototype);
        expect((error as Error).message).toMatch(/^(it does not hold|\S+ is not (a|an) )/);
      }
    }),
    { numRuns: 500 },
  );
});
