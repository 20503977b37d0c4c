import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { naturalOrder } from '../../../../src/cli/output/ls-columns.ts';
import { alignTabs, table } from '../../../../src/cli/output/table.ts';

describe('a table', () => {
  it('wraps its widest columns at the width of a terminal, and is as it is without one', async () => {
    const long = 'a reason of many words that goes on and on, and says at the end what to do about it';
    const rows = [
      ['NAME', 'WORKS', 'HOW', 'MAKES'],
      ['nspawn', 'no', long, 'machines without a hypervisor, in seconds, on this computer'],
      ['none', 'yes', 'by its URL', 'nothing'],
    ];
    const wrapped = (await table(rows, 80)).trimEnd().split('\n');
    expect(Math.max(...wrapped.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(wrapped.length).toBeGreaterThan(3);
    const [first = '', last = ''] = [wrapped[0], wrapped.at(-1)];
    expect(last).toMatch(/^none {5}yes {5}by its URL +nothing$/);
    expect(last.indexOf('nothing')).toBe(first.indexOf('MAKES'));
    expect(wrapped.join(' ').replace(/\s+/g, ' ')).toContain('nspawn no a reason of');
    expect((await table(rows)).split('\n')).toHaveLength(4);
    // Narrower than any table can be, it still says everything.
    expect((await table(rows, 10)).replace(/\s/g, '')).toContain('nothing');
  });

  const fault = 'Unable to query docker version: nothing listens at tcp://192.168.99.100:2376';
  const listed = (error: string) => [
    ['NAME', 'ACTIVE', 'DRIVER', 'STATE', 'URL', 'SWARM', 'DOCKER', 'ERRORS'],
    ['default', '*', 'virtualbox', 'Running', 'tcp://192.168.99.100:2376', '', 'v28.5.2', ''],
    ['h2', '-', 'none', 'Running', 'tcp://192.0.2.11:2376', '', 'Unknown', error],
  ];

  it('leaves out columns that hold nothing where a terminal is too narrow for all', async () => {
    expect(await table(listed(''), 80)).toBe(
      [
        'NAME      ACTIVE   DRIVER       STATE     URL                         DOCKER',
        'default   *        virtualbox   Running   tcp://192.168.99.100:2376   v28.5.2',
        'h2        -        none         Running   tcp://192.0.2.11:2376       Unknown',
        '',
      ].join('\n'),
    );
  });

  it('has its last column below the rows where that would be too narrow beside them', async () => {
    expect(await table(listed(fault), 80)).toBe(
      [
        'NAME      ACTIVE   DRIVER       STATE     URL                         DOCKER',
        '   ERRORS',
        'default   *        virtualbox   Running   tcp://192.168.99.100:2376   v28.5.2',
        'h2        -        none         Running   tcp://192.0.2.11:2376       Unknown',
        '   Unable to query docker version: nothing listens at tcp://192.168.99.100:2376',
        '',
      ].join('\n'),
    );
  });

  it('cuts nothing off at any width, and is never wider while no word is', async () => {
    for (let columns = 30; columns < 160; columns++) {
      const text = await table(listed(fault), columns);
      expect(text, `${columns}`).not.toContain('…');
      // The first six columns need 12 each when words are broken.
      const least = Math.max(columns, 67);
      for (const line of text.split('\n'))
        expect(line.length, `${columns}: ${line}`).toBeLessThanOrEqual(least);
      if (columns >= 80)
        for (const word of listed(fault).flat().join(' ').split(' '))
          if (word !== 'SWARM') expect(text).toContain(word);
    }
  });

  it('has a word whole that is longer than the terminal, below its row', async () => {
    const url = `https://images.example/${'x'.repeat(100)}.qcow2`;
    const text = await table(
      [
        ['NAME', 'FROM'],
        ['a', 'here'],
        ['b', url],
      ],
      60,
    );
    expect(text).toBe(`NAME\n   FROM\na\n   here\nb\n   ${url}\n`);
  });

  it("is docker-machine's: three blanks between columns, nothing behind the last", async () => {
    const rows = [
      ['NAME', 'ACTIVE', 'DRIVER', 'STATE', 'URL', 'SWARM', 'DOCKER', 'ERRORS'],
      ['host1', '*', 'generic', 'Running', 'tcp://192.0.2.10:2376', '', 'v28.5.2', ''],
      [
        'h2',
        '-',
        'none',
        'Running',
        'tcp://192.0.2.11:2376',
        '',
        'Unknown',
        'Unable to query docker version',
      ],
    ];
    expect(await table(rows)).toBe(
      [
        'NAME    ACTIVE   DRIVER    STATE     URL                     SWARM   DOCKER    ERRORS',
        'host1   *        generic   Running   tcp://192.0.2.10:2376           v28.5.2',
        'h2      -        none      Running   tcp://192.0.2.11:2376           Unknown   Unable to query docker version',
        '',
      ].join('\n'),
    );
  });

  it('keeps a column at least five wide with its gap', async () => {
    expect(
      await table([
        ['A', 'B'],
        ['', 'x'],
      ]),
    ).toBe('A    B\n     x\n');
    expect(await table([])).toBe('');
    expect(await table([['NAME']])).toBe('NAME\n');
  });

  it('counts wide characters as two, and shows no control characters', async () => {
    const text = await table([
      ['NAME', 'X'],
      ['日本', 'a'],
      ['e\u001b[31mvil\n\u202e', 'b'],
    ]);
    expect(text).toBe('NAME   X\n日本   a\nevil   b\n');
  });

  it('aligns cells that tabs separate', async () => {
    expect(await alignTabs('NAME\tURL\nhost1\ttcp://h\n')).toBe('NAME    URL\nhost1   tcp://h\n');
    expect(await alignTabs('a\tb\tc\nd\n')).toBe('a    b    c\nd\n');
  });

  it('has one line a row whatever the cells hold', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.string()), { minLength: 1, maxLength: 10 }),
        async (rows) => {
          const text = await table(rows);
          expect(text.split('\n')).toHaveLength(rows.length + 1);
          expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('of 500 machines is made at once', async () => {
    const rows = Array.from({ length: 500 }, (_, at) => [
      `host${at}`,
      '-',
      'none',
      'Running',
      'tcp://h:2376',
      '',
      '',
      '',
    ]);
    // Processor time: other programs may keep this one waiting.
    const before = process.cpuUsage();
    expect((await table(rows)).split('\n')).toHaveLength(501);
    expect(process.cpuUsage(before).user).toBeLessThan(1_500_000);
  });
});

describe('names', () => {
  it('stand in natural order, without regard to case', () => {
    const names = [
      'host10',
      'Host2',
      'host1',
      'a',
      'B',
      'host2b',
      'host02',
      'c1-9',
      'c1-10',
      '10',
      '9',
      'host',
    ];
    expect(names.toSorted(naturalOrder)).toEqual([
      '9',
      '10',
      'a',
      'B',
      'c1-9',
      'c1-10',
      'host',
      'host1',
      'Host2',
      'host02',
      'host2b',
      'host10',
    ]);
  });

  it('have one order, however they come', () => {
    const name = fc.stringMatching(/^[a-cA-C0-2.-]{1,6}$/);
    fc.assert(
      fc.property(name, name, name, (a, b, c) => {
        expect(Math.sign(naturalOrder(a, b))).toBe(-Math.sign(naturalOrder(b, a)) || 0);
        expect(naturalOrder(a, b) === 0).toBe(a === b);
        if (naturalOrder(a, b) <= 0 && naturalOrder(b, c) <= 0)
          expect(naturalOrder(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });
});
