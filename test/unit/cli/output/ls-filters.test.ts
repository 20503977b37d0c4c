import { describe, expect, it } from 'vitest';
import { isMachineError } from '../../../../src/base/machine-error.ts';
import { parseFilters } from '../../../../src/cli/output/ls-filters.ts';
import { readHostConfig } from '../../../../src/store/record/read-config.ts';
import type { StoredMachine } from '../../../../src/store/store.ts';

function machine(name: string, labels: readonly string[] = [], swarm: object = {}): StoredMachine {
  const record = {
    ConfigVersion: 3,
    Driver: { MachineName: name },
    DriverName: 'generic',
    HostOptions: {
      EngineOptions: { Labels: labels },
      SwarmOptions: { Host: 'tcp://0.0.0.0:3376', ...swarm },
      AuthOptions: {},
    },
    Name: name,
  };
  return { name, config: readHostConfig(record, name), meta: undefined };
}

const passing = async (filters: readonly string[], machines: readonly StoredMachine[]) => {
  const filter = await parseFilters(filters);
  return machines.filter((one) => filter.matchesRecord(one, machines)).map(({ name }) => name);
};

const refused = async (filter: string) => {
  const error = await parseFilters([filter]).catch((reason: unknown) => reason);
  if (isMachineError(error)) return `${error.exitCode} ${error.message}`;
  throw new Error(`${filter} is taken`);
};

const fleet = ['web1', 'web2', 'WEB10', 'db1', 'a-b.c'].map((name) => machine(name));

describe('--filter name', () => {
  it("takes Go's regular expressions, unanchored", async () => {
    const cases: readonly (readonly [string, readonly string[]])[] = [
      ['web', ['web1', 'web2']],
      ['(?i)WEB', ['web1', 'web2', 'WEB10']],
      ['\\Adb1\\z', ['db1']],
      ['^[[:alpha:]]+1$', ['web1', 'db1']],
      ['(?P<kind>db|a-b)', ['db1', 'a-b.c']],
      ['^\\pL+2$', ['web2']],
      ['\\Q.c\\E', ['a-b.c']],
      ['^\\p{Lu}', ['WEB10']],
      ['', ['web1', 'web2', 'WEB10', 'db1', 'a-b.c']],
    ];
    for (const [pattern, names] of cases)
      expect(await passing([`name=${pattern}`], fleet), pattern).toEqual(names);
  });

  it('says what is no regular expression of Go, and ends with 2', async () => {
    for (const pattern of ['[', '(?=web)', '(?<=w)eb', 'a{1001}', '\\8', '(', `${'x'.repeat(2000)}`]) {
      expect(await refused(`name=${pattern}`), pattern).toMatch(
        /^2 --filter name=.* is not a regular expression: ./,
      );
    }
  });

  it('ends for a pattern that would keep others busy for years', async () => {
    const long = machine(`${'a'.repeat(4000)}!`);
    for (const pattern of ['^(a+)+$', '^(a|a)*$', '(.*a){20}$', '^(([a-z])+.)+[A-Z]([a-z])+$'])
      expect(await passing([`name=${pattern}`], [long]), pattern).toEqual([]);
  });
});

describe('filters', () => {
  it('of one key are alternatives, of different keys all hold', async () => {
    expect(await passing(['name=^web1$', 'name=^db'], fleet)).toEqual(['web1', 'db1']);
    expect(await passing(['name=web', 'driver=GENERIC'], fleet)).toEqual(['web1', 'web2']);
    expect(await passing(['name=web', 'driver=qemu'], fleet)).toEqual([]);
  });

  it('compare labels: the key as it is, the value without regard to case', async () => {
    const labelled = [machine('a', ['zone=EU', 'alone']), machine('b', ['zone=us=1']), machine('c')];
    expect(await passing(['label=zone=eu'], labelled)).toEqual(['a']);
    expect(await passing(['label=zone=US=1'], labelled)).toEqual(['b']);
    expect(await passing(['label=ZONE=eu'], labelled)).toEqual([]);
    expect(await passing(['label=alone='], labelled)).toEqual(['a']);
  });

  it("of state compare the host's word, and say that a host has to be asked", async () => {
    const filter = await parseFilters(['state=running', 'state=Saved']);
    expect(filter.asksState).toBe(true);
    expect(filter.matchesState('Running')).toBe(true);
    expect(filter.matchesState('Saved')).toBe(true);
    expect(filter.matchesState('Timeout')).toBe(false);
    const none = await parseFilters(['name=web']);
    expect(none.asksState).toBe(false);
    expect(none.matchesState('Stopped')).toBe(true);
  });

  it('of swarm find the members of a master, itself among them, in the records', async () => {
    const master = machine('m1', [], { Discovery: 'token://x', Master: true });
    const agent = machine('a1', [], { Discovery: 'token://x' });
    const all = [master, agent, machine('other', [], { Discovery: 'token://y' }), machine('single')];
    expect(await passing(['swarm=M1'], all)).toEqual(['m1', 'a1']);
    expect(await passing(['swarm=a1'], all)).toEqual([]);
    expect(await passing(['swarm='], all)).toEqual([]);
  });

  it("that are none are refused in docker-machine's words", async () => {
    expect(await refused('flub')).toBe('1 Unsupported filter syntax');
    expect(await refused('label=zone')).toBe('1 Unsupported filter syntax');
    expect(await refused('flub=1')).toBe("1 Unsupported filter key 'flub'");
  });
});
