import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import library from '../../../../src/provision/scripts/library.sh';
import {
  type Instruction,
  instructionText,
  readAnswers,
} from '../../../../src/provision/scripts/programs.ts';

/** A program that answers with each instruction that it is told, and at last with its status. */
const echo = `${library}
take() { fact told "$1"; decode "$2" | fact64 "$1"; }
instructions take || { fact status cut; exit 0; }
fact status ok`;
const run = (input: string, program = echo) => {
  const { stdout, stderr } = spawnSync('sh', ['-c', program], { input, encoding: 'utf8' });
  expect(stderr).toBe('');
  return readAnswers(stdout);
};

const hostile = [
  '',
  ' blanks around ',
  'two\nlines\n',
  '\n\n',
  'end',
  'end\nput x',
  '-n',
  '\\c\\0101%s',
  `$(touch /tmp/x) \`id\` "$HOME" '; exit 1; '`,
  '\u0001\u001b[31m\r\u007f',
  'ünïcødé \u2028 \u{1f433}',
  'x'.repeat(60_000),
];

test('a value comes back as it was told, whatever is in it', () => {
  const told = hostile.map((value, index): Instruction => [`name-${index}`, value]);
  const answers = run(instructionText([...told, ['bare']]));
  expect(answers.one('status')).toBe('ok');
  expect(answers.all('told')).toEqual([...told.map(([name]) => name), 'bare']);
  expect(told.map(([name]) => answers.text(name))).toEqual(hostile);
  expect(answers.text('bare')).toBe('');
});

test('any text comes back as it was told', () => {
  const text = fc.string({ unit: 'binary', maxLength: 300 });
  fc.assert(
    fc.property(fc.array(text, { maxLength: 20 }), (values) => {
      const answers = run(instructionText(values.map((value, index): Instruction => [`v${index}`, value])));
      expect(values.map((_, index) => answers.text(`v${index}`))).toEqual(values);
    }),
    { numRuns: 30 },
  );
});

test('a program knows when not all has arrived', () => {
  const input = instructionText([['a', 'some value'], ['b']]);
  for (let length = 0; length < input.length; length++)
    expect(run(input.slice(0, length)).one('status'), `${length} bytes`).toBe('cut');
});

test('a value that a program decodes for itself has all but its last line ends', () => {
  const program = `${library}\ntake() { value=$(decode "$2"); printf %s "$value" | fact64 got; }\ninstructions take`;
  for (const value of hostile)
    expect(run(instructionText([['it', value]]), program).text('got')).toBe(value.replace(/\n+$/, ''));
});

describe('answers', () => {
  test('are lines of a name and a value, and all else is passed over', () => {
    const answers = readAnswers(
      'Welcome to this host!\nstatus ok\nSTATUS no\n status no\nstatus later\nno-value\nlist a\nlist  b \n',
    );
    expect(answers.one('status')).toBe('ok');
    expect(answers.all('list')).toEqual(['a', 'b']);
    expect(answers.has('no-value')).toBe(false);
    expect([answers.one('none'), answers.text('none'), answers.all('none')]).toEqual(['', '', []]);
  });

  test('cannot be forged by a value with line ends that only some know', () => {
    const answers = readAnswers('package x\u2028status upgraded\rstatus upgraded\nstatus failed\n');
    expect(answers.one('status')).toBe('failed');
  });

  test('are short and harmless in a message', () => {
    const answers = readAnswers(`now \u001b[31m${'x'.repeat(1000)}\n`);
    expect(answers.shown('now')).toMatch(/^[\x20-\x7e]+…?$/);
    expect(answers.shown('now').length).toBeLessThan(250);
  });

  test('are no text where their base64 is damaged', () => {
    expect(readAnswers('log aGVsbG8=\n').text('log')).toBe('hello');
    for (const damaged of ['aGVsbG8', 'aGVs!G8=', 'aGV sbG8=', '====', 'a===='])
      expect(readAnswers(`log ${damaged}\n`).text('log'), damaged).toBe('');
  });
});
