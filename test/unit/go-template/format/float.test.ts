import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatFloat, plainDirective } from '../../../../src/go-template/format/print.ts';

const format = (value: number, verb: string, precision?: number) =>
  formatFloat(value, { ...plainDirective, verb, precision });

test('a double is read back from its shortest text, and from 17 digits', () => {
  const double = fc.double({ noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(double, (value) => {
      expect(Number(format(value, 'v'))).toBe(value);
      expect(Number(format(value, 'e', 16))).toBe(value);
      expect(Number(format(value, 'g', 17))).toBe(value);
    }),
  );
});

test('all digits of a double are there, and a half goes to the even digit', () => {
  expect(format(0.1, 'f', 20)).toBe('0.10000000000000000555');
  expect([0.5, 1.5, 2.5, -2.5].map((value) => format(value, 'f', 0))).toEqual(['0', '2', '2', '-2']);
  expect(format(5e-324, 'e', 3)).toBe('4.941e-324');
  expect(format(123456789, 'g')).toBe('1.23456789e+08');
  expect(format(1, 'd')).toBeUndefined();
});
