import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../../src/base/json.ts';
import {
  addWanted,
  changedKeys,
  daemonJsonText,
  nothingOwned,
  ownedBeyond,
  takeBack,
  type Wanted,
} from '../../../../src/provision/engine/daemon-json.ts';

const key = fc.constantFrom(
  'hosts',
  'labels',
  'storage-driver',
  'log-opts',
  'tlsverify',
  'dns',
  'mine',
  'debug',
);
const entry = fc.constantFrom('a', 'b', 'c', 'd');
const text = (value: unknown) => JSON.parse(JSON.stringify(value)) as JsonObject;
const userConfig = fc
  .dictionary(key, fc.oneof(fc.boolean(), entry, fc.array(entry), fc.dictionary(entry, entry)))
  .map(text);
const wanted = fc
  .dictionary(
    key,
    fc.oneof(
      fc.record({
        kind: fc.constant('scalar' as const),
        value: fc.oneof(fc.boolean(), entry),
        soft: fc.boolean(),
      }),
      fc.record({ kind: fc.constant('list' as const), entries: fc.array(entry) }),
      fc.record({ kind: fc.constant('map' as const), entries: fc.dictionary(entry, entry).map(text) }),
    ),
  )
  .map((wish) => new Map<string, Wanted>(Object.entries(wish)));

describe('merging daemon.json', () => {
  it('takes back exactly what it put in', () => {
    fc.assert(
      fc.property(userConfig, wanted, (user, wish) => {
        const { config } = addWanted(user, wish);
        expect(takeBack(config, ownedBeyond(user, config))).toEqual(user);
      }),
    );
  });

  it('leaves every value that the user has as it is', () => {
    fc.assert(
      fc.property(userConfig, wanted, (user, wish) => {
        const { config } = addWanted(user, wish);
        for (const [name, value] of Object.entries(user)) {
          const after = config[name];
          if (Array.isArray(value)) expect((after as Json[]).slice(0, value.length)).toEqual(value);
          else if (typeof value === 'object') expect(after).toMatchObject(value as object);
          else expect(after).toEqual(value);
        }
      }),
    );
  });

  it('comes to the same by way of an earlier wish as without it', () => {
    fc.assert(
      fc.property(userConfig, wanted, wanted, (user, first, second) => {
        const before = addWanted(user, first).config;
        const again = addWanted(takeBack(before, ownedBeyond(user, before)), second).config;
        expect(again).toEqual(addWanted(user, second).config);
      }),
    );
  });

  it('satisfies the wish or names the conflict', () => {
    fc.assert(
      fc.property(userConfig, wanted, (user, wish) => {
        const { config, conflicts } = addWanted(user, wish);
        for (const [name, want] of wish) {
          if (conflicts.some((one) => one.key === name || one.key.startsWith(`${name}.`))) continue;
          if (want.kind === 'scalar') expect(config[name]).toBe(want.value);
          else if (want.kind === 'list') for (const one of want.entries) expect(config[name]).toContain(one);
          else if (Object.keys(want.entries).length > 0) expect(config[name]).toMatchObject(want.entries);
        }
      }),
    );
  });

  it('changes nothing when it is run again', () => {
    fc.assert(
      fc.property(userConfig, wanted, (user, wish) => {
        const once = addWanted(user, wish).config;
        const twice = addWanted(takeBack(once, ownedBeyond(user, once)), wish).config;
        expect(changedKeys(once, twice)).toEqual([]);
      }),
    );
  });

  it('leaves a value of ours that the user changed since', () => {
    const owned = { ...nothingOwned, scalars: { 'storage-driver': 'overlay2' } };
    expect(takeBack({ 'storage-driver': 'btrfs' }, owned)).toEqual({ 'storage-driver': 'btrfs' });
  });

  it('does not take a key named __proto__ for its own', () => {
    const user = JSON.parse('{"__proto__": ["a"], "mine": 1}') as JsonObject;
    const { config } = addWanted(user, new Map([['labels', { kind: 'list', entries: ['x=y'] }]]));
    expect(JSON.stringify(config)).toBe('{"__proto__":["a"],"mine":1,"labels":["x=y"]}');
  });

  it("writes in the file's own indentation", () => {
    expect(daemonJsonText({ a: 1 }, '{\n\t"b": 2\n}')).toBe('{\n\t"a": 1\n}\n');
    expect(daemonJsonText({ a: 1 }, undefined)).toBe('{\n  "a": 1\n}\n');
  });
});
