import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJsonObject } from '../../../../src/provision/engine/daemon-json.ts';

describe('parseJsonObject', () => {
  it.each([
    ['{"a": 1,}', 1, 9, '"}" is not expected here'],
    ['{\n  "hosts": ["fd://"]\n  "tls": true\n}', 3, 3, '"\\"" is not expected here'],
    ['{"a": [1, 2}', 1, 12, '"}" is not expected here'],
    ['{"a": tru}', 1, 7, '"t" is not expected here'],
    ["{'a': 1}", 1, 2, '"\'" is not expected here'],
    ['{"a": 1} x', 1, 10, '"x" is not expected here'],
    ['{"a": 1', 1, 8, 'the text ends too early'],
    ['{\n// comment\n}', 2, 1, '"/" is not expected here'],
    ['[]', 1, 1, 'an object in braces is expected'],
  ])('says where %j goes wrong', (text, line, column, why) => {
    expect(parseJsonObject(text)).toEqual({ ok: false, line, column, why });
  });

  it('takes a blank file and a byte order mark as dockerd does', () => {
    expect(parseJsonObject(' \n')).toEqual({ ok: true, value: {} });
    expect(parseJsonObject('\ufeff{"a":1}')).toEqual({ ok: true, value: { a: 1 } });
  });

  it('finds a fault within the text whenever a character of a valid file is removed', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(), (value, seed) => {
        const text = JSON.stringify(value, null, 2);
        const cut = seed % text.length;
        const broken = text.slice(0, cut) + text.slice(cut + 1);
        const parsed = parseJsonObject(broken);
        if (parsed.ok) return;
        const lines = broken.split('\n');
        expect(parsed.line).toBeLessThanOrEqual(lines.length);
        expect(parsed.column).toBeLessThanOrEqual((lines[parsed.line - 1]?.length ?? 0) + 1);
      }),
    );
  });
});
