import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CommandFlag, parseFlags, parseGoBool } from '../../../../src/cli/args/parse.ts';

const flags = [
  { name: 'driver', short: 'd', kind: 'string', env: 'MACHINE_DRIVER', default: 'auto', help: '' },
  { name: 'url', kind: 'string', help: '' },
  { name: 'cpus', kind: 'int', env: 'CPUS', default: 2, help: '' },
  { name: 'force', short: 'f', kind: 'bool', env: 'FORCE', help: '' },
  { name: 'label', kind: 'slice', env: 'LABELS', help: '' },
] as const satisfies readonly CommandFlag[];
const parse = (argv: readonly string[], env = {}) => parseFlags(argv, { flags, env });

test('one dash and two, a blank and an equals sign say the same', () => {
  for (const argv of [['-url=tcp://h'], ['--url=tcp://h'], ['-url', 'tcp://h'], ['--url', 'tcp://h']])
    expect(parse(argv).flags.url).toBe('tcp://h');
});

test('flags may stand behind names, and -- ends them', () => {
  const { args, flags: found } = parse(['h1', '-f', 'h2', '--', '-d', 'x']);
  expect(args).toEqual(['h1', 'h2', '-d', 'x']);
  expect(found.force).toBe(true);
  expect(found.driver).toBe('auto');
});

test('slices repeat, and their variable is split at commas', () => {
  expect(parse(['--label', 'a=1', '--label=b=2,c']).flags.label).toEqual(['a=1', 'b=2,c']);
  expect(parse([], { LABELS: 'a=1, b=2' }).flags.label).toEqual(['a=1', 'b=2']);
});

test('the command line wins over the environment, which wins over the default; an empty variable is none', () => {
  expect(parse(['-d', 'x'], { MACHINE_DRIVER: 'y' }).flags.driver).toBe('x');
  expect(parse([], { MACHINE_DRIVER: 'y' }).flags.driver).toBe('y');
  expect(parse([], { MACHINE_DRIVER: '' }).flags.driver).toBe('auto');
  expect(parse([], { MACHINE_DRIVER: 'y' }).isGiven('driver')).toBe(true);
  expect(parse([]).isGiven('driver')).toBe(false);
});

test('booleans are read as Go reads them, also from the environment', () => {
  expect(parse(['--force=false']).flags.force).toBe(false);
  expect(parse([], { FORCE: 'false' }).flags.force).toBe(false);
  expect(parse([], { FORCE: 'T' }).flags.force).toBe(true);
  expect(() => parse([], { FORCE: 'yes' })).toThrow('Error parsing boolean value from FORCE');
  expect(['1', 't', 'TRUE'].map(parseGoBool)).toEqual([true, true, true]);
  expect(parseGoBool('on')).toBeUndefined();
});

test('what cannot be is refused with the flag named, and the nearest known flag suggested', () => {
  expect(() => parse(['--cpus', 'many'])).toThrow('invalid value "many" for flag -cpus');
  expect(() => parse(['--url'])).toThrow('flag needs an argument: -url');
  expect(() => parse(['--drvier', 'x'])).toThrow('flag provided but not defined: -drvier');
  try {
    parse(['--drvier', 'x']);
  } catch (error) {
    expect(error).toMatchObject({ code: 'MM_USAGE', exitCode: 2, hint: 'Did you mean --driver?' });
  }
});

test('whatever the arguments, parsing ends with a result or a usage error', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string(), fc.constantFrom('--', '-', '--force', '-d', '--label', '--=', '---x'))),
      (argv) => {
        try {
          const { args } = parse(argv);
          for (const arg of args) expect(argv).toContain(arg);
        } catch (error) {
          expect(error).toMatchObject({ code: 'MM_USAGE' });
        }
      },
    ),
  );
});

test('everything behind -- comes out as it went in', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (rest) => {
      expect(parse(['--', ...rest]).args).toEqual(rest);
    }),
  );
});
