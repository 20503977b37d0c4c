import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withOwnName, withoutOwnName } from '../../../../src/provision/host/record.ts';

describe('the own name in /etc/hosts', () => {
  it.each([
    ['127.0.0.1 localhost\n127.0.1.1 old.example.com old\n', '127.0.0.1 localhost\n127.0.1.1 new\n'],
    ['127.0.0.1 localhost\n', '127.0.0.1 localhost\n127.0.1.1 new\n'],
    ['127.0.0.1 localhost', '127.0.0.1 localhost\n127.0.1.1 new\n'],
    ['# 127.0.0.1 new\n', '# 127.0.0.1 new\n127.0.1.1 new\n'],
    ['', '127.0.1.1 new\n'],
  ])('is put into %j', (text, expected) => {
    expect(withOwnName(text, 'new')?.text).toBe(expected);
  });

  it('is left alone where it is', () => {
    expect(withOwnName('10.0.0.1 other new # comment\n', 'new')).toBeUndefined();
  });

  it('is gone again without a trace, whatever the file held', () => {
    const line = fc.constantFrom(
      '127.0.0.1 localhost',
      '127.0.1.1 old',
      '# x',
      '',
      '::1 ip6',
      '127.0.1.1\ta b',
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const text = lines.map((one) => `${one}\n`).join('');
        const made = withOwnName(text, 'new');
        expect(made).toBeDefined();
        if (made !== undefined) expect(withoutOwnName(made.text, made.line)).toBe(text);
      }),
    );
  });
});
