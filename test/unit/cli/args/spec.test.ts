import { expect, test } from 'vitest';
import { globalFlags } from '../../../../src/cli/args/globals.ts';
import { parseFlags } from '../../../../src/cli/args/parse.ts';
import { defineCommand, done } from '../../../../src/cli/command.ts';

// The type checker reads each of these: an error that is expected and does not come is an error.
const command = defineCommand({
  argument: '',
  flags: [
    { name: 'dry-run', kind: 'bool', help: '' },
    { name: 'count', kind: 'int', default: 3, help: '' },
    { name: 'label', kind: 'slice', help: '' },
    { name: 'format', kind: 'string', help: '' },
  ],
  async run(_app, { flags, isGiven }) {
    const values: [boolean, number, readonly string[], string] = [
      flags['dry-run'],
      flags.count,
      flags.label,
      flags.format,
    ];
    expect(values).toEqual([true, 3, ['a', 'b'], '']);
    // @ts-expect-error no flag has this name
    expect(flags['dry-rum']).toBeUndefined();
    // @ts-expect-error no flag has this name
    expect(isGiven('dry-rum')).toBe(false);
    // @ts-expect-error a whole number is no text
    const text: string = flags.count;
    // @ts-expect-error one text is no list
    const list: readonly string[] = flags.format;
    // @ts-expect-error a list is not one text
    const one: string = flags.label;
    expect([text, list, one]).toEqual([3, '', ['a', 'b']]);
    return done;
  },
});

test('a command gets the flags that it declares, by their names and types', async () => {
  const input = parseFlags(['--dry-run', '--label', 'a', '--label', 'b'], { flags: command.flags, env: {} });
  expect(await command.run(undefined as never, input)).toBe(done);
});

test('the flags of the program are typed like those of a command', () => {
  const { flags } = parseFlags(['-s', '/srv/store'], { flags: globalFlags, env: {} });
  const path: string = flags['storage-path'];
  const debug: boolean = flags.debug;
  expect([path, debug]).toEqual(['/srv/store', false]);
  // @ts-expect-error no flag has this name
  expect(flags['storage-paht']).toBeUndefined();
});
