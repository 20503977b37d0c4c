import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  quoteForCommand,
  quoteForEnvironment,
  splitUnitWords,
} from '../../../../src/provision/engine/unit-file.ts';

const values = (line: string) => splitUnitWords(line).map((word) => word.value);
const text = fc.string({
  unit: fc.constantFrom('a', ' ', '"', "'", '\\', '%', '$', '=', '\n', '\t', 'é', ';', '#', '`'),
});

describe('words of a unit file', () => {
  it.each([
    ['/usr/bin/dockerd -H fd:// $DOCKER_OPTS', ['/usr/bin/dockerd', '-H', 'fd://', '$DOCKER_OPTS']],
    [`"A=b c" 'D="e"' F=g`, ['A=b c', 'D="e"', 'F=g']],
    ['--label="a b"c \\x41\\s', ['--label=a bc', 'A ']],
    ['  ', []],
    ['an"unclosed quote', ['an"unclosed', 'quote']],
  ])('splits %j', (line, expected) => {
    expect(values(line)).toEqual(expected);
  });

  it('keeps each word as it was written beside its value', () => {
    expect(splitUnitWords('a "b c"').map((word) => word.raw)).toEqual(['a', '"b c"']);
  });

  it('brings any value through quoting, splitting and specifiers unchanged', () => {
    fc.assert(
      fc.property(fc.array(text), (list) => {
        const line = list.map(quoteForEnvironment).join(' ');
        expect(line).not.toContain('\n');
        expect(values(line).map((value) => value.replaceAll('%%', '%'))).toEqual(list);
      }),
    );
  });

  it('leaves no $ or % of a command word for systemd to expand', () => {
    fc.assert(
      fc.property(text, (value) => {
        const word = quoteForCommand(value);
        expect(word.replaceAll('$$', '').replaceAll('%%', '')).not.toMatch(/[$%]/);
        expect(values(word)[0]?.replaceAll('$$', '$').replaceAll('%%', '%')).toBe(value);
      }),
    );
  });
});
