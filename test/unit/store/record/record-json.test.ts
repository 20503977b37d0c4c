import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ExactNumber, formatRecord, parseRecord } from '../../../../src/store/record/record-json.ts';

test('numbers that no double can hold come back digit by digit', () => {
  const text = `{
    "DropletID": 9223372036854775807,
    "Snowflake": 175928847299117063,
    "Rate": 1.0,
    "Tiny": 0.1000000000000000055,
    "Huge": 1e400,
    "Minus": -0,
    "Plain": 12345678,
    "Half": 1.5
}`;
  expect(formatRecord(parseRecord(text))).toBe(text);
  expect(parseRecord('[9223372036854775807, 7]')).toEqual([new ExactNumber('9223372036854775807'), 7]);
  expect(JSON.stringify(parseRecord('[9007199254740993]'))).toBe('[9007199254740992]');
});

// What Go 1.12's json.MarshalIndent(v, "", "    ") makes of the same values.
test('what is written has the bytes that Go writes', () => {
  const value = {
    html: '<a href="x">&</a>',
    lines: 'a\u2028b\u2029c',
    controls: '\b\f\n\r\t\u0001\u007f',
    slashes: 'C:\\bin\\food\\\\b',
    unicode: 'ä€😀',
    nothing: null,
    none: [],
    empty: {},
    list: ['a', 1, false, { b: [] }],
  };
  expect(formatRecord(value)).toBe(`{
    "html": "\\u003ca href=\\"x\\"\\u003e\\u0026\\u003c/a\\u003e",
    "lines": "a\\u2028b\\u2029c",
    "controls": "\\u0008\\u000c\\n\\r\\t\\u0001\u007f",
    "slashes": "C:\\\\bin\\\\food\\\\\\\\b",
    "unicode": "ä€😀",
    "nothing": null,
    "none": [],
    "empty": {},
    "list": [
        "a",
        1,
        false,
        {
            "b": []
        }
    ]
}`);
});

test('any JSON comes back as it was, prototypes and all', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      expect(JSON.stringify(parseRecord(text))).toBe(text);
      expect(JSON.stringify(JSON.parse(formatRecord(parseRecord(text))))).toBe(text);
    }),
  );
  const strange = '{"__proto__":{"polluted":true},"constructor":"x"}';
  expect(JSON.stringify(parseRecord(strange))).toBe(strange);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});

test('whole numbers of any size come back as they were', () => {
  fc.assert(
    fc.property(fc.bigInt(), fc.bigInt(), (a, b) => {
      const text = `[\n    ${a},\n    ${b}\n]`;
      expect(formatRecord(parseRecord(text))).toBe(text);
    }),
  );
});

test('text that is no JSON is refused with the words of the engine, and never with anything but an Error', () => {
  for (const text of ['', '{', '{"a":1,}', '01', '{"a" 1}', '[1 2]', '"\n"', 'nul', '\ufeff\ufeff{}'])
    expect(() => parseRecord(text), text).toThrow(SyntaxError);
  expect(parseRecord('\ufeff{"a":1}')).toEqual({ a: 1 });
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        parseRecord(text);
      } catch (error) {
        expect(error).toBeInstanceOf(SyntaxError);
      }
    }),
  );
});

test('deep and long records are bounded, and end with an error instead of the stack', () => {
  expect(() => parseRecord(`${'['.repeat(400)}${']'.repeat(400)}`)).not.toThrow();
  for (const depth of [1000, 200_000])
    expect(() => parseRecord(`${'['.repeat(depth)}${']'.repeat(depth)}`)).toThrow(
      'nested more than 500 deep',
    );
  const long = `{"a":"${'x\\n'.repeat(500_000)}"}`;
  expect((parseRecord(long) as { a: string }).a).toHaveLength(1_000_000);
});
