import { expect, test } from 'vitest';
import { readCommandLine } from './command-line.ts';
import { asExpected, matches } from './compare.ts';
import { parseTranscript } from './parse.ts';

const CASE = '=== a good case\n$ mymachine ls\nexit 0\n';
const places = new Map([
  ['HOME', '/tmp/x'],
  ['STORE', '/tmp/x/.docker/machine'],
]);

test.each([
  ['', 'there is no case'],
  ['# only a comment\n', 'there is no case'],
  [`$ mymachine ls\n${CASE}`, ':1: this stands before the first case'],
  [`${CASE}=== bad\n`, 'named by a sentence'],
  [CASE + CASE, 'there are two cases "a good case"'],
  ['=== nothing is tried\n', 'expects nothing'],
  ['=== only set up\n+ machine h1 tcp://x\n', 'expects nothing'],
  ['=== no status at all\n$ mymachine ls\nNAME\n', ':2: what is expected of this command does not end'],
  ['=== no status before the next\n$ mymachine ls\n$ mymachine ls\nexit 0\n', ':2: what is expected'],
  ['=== a status that is none\n$ mymachine ls\nexit zero\n', ':2: what is expected'],
  [`${CASE}what is this\n`, 'neither a case nor a command'],
])('a malformed transcript is refused: %j', (text, why) => {
  expect(() => parseTranscript('x.transcript', text)).toThrow(why);
});

test.each(['', 'A=b', 'echo $HOME', 'echo a;b', "echo 'open", 'x <<< a <<< b', 'x <<< a b', 'x | y'])(
  'a command line that a shell would read otherwise is refused: %j',
  (text) => {
    expect(() => readCommandLine(text, (word) => word)).toThrow();
  },
);

test('a command line has its environment, its words and its standard input', () => {
  const expand = (word: string) => word.replace('[HOME]', '/tmp/x');
  expect(
    readCommandLine(
      `A=1 B="two words" run [HOME]/f '[HOME] as it is' --x='a b' "\\u001b" <<< "y\\n"`,
      expand,
    ),
  ).toEqual({
    env: { A: '1', B: 'two words' },
    argv: ['run', '/tmp/x/f', '[HOME] as it is', '--x=a b', '\u001b'],
    stdin: 'y\n',
  });
});

function expectations(text: string) {
  const [action] = parseTranscript('x', `=== the only case\n$ run\n${text}exit 0\n`).cases[0]?.actions ?? [];
  if (action?.kind !== 'step') throw new Error('no step');
  return action;
}

test('a stream is compared from its first to its last character', () => {
  const step = expectations(
    'store [STORE]\n~ took \\d+ ms\n\n\\! not stderr\n! error in [HOME]\nblank [EOL]\n',
  );
  const good = 'store /tmp/x/.docker/machine\ntook 12 ms\n\n! not stderr\nblank \n';
  expect(matches(step.stdout, good, places)).toBe(true);
  expect(matches(step.stderr, 'error in /tmp/x\n', places)).toBe(true);
  for (const bad of [
    `${good}more\n`,
    `more\n${good}`,
    good.slice(0, -1),
    good.replace('12', 'x'),
    good.replace('\n\n', '\n'),
  ])
    expect(matches(step.stdout, bad, places), bad).toBe(false);
  expect(matches(expectations('').stdout, 'something', places)).toBe(false);
});

test('three dots are any number of lines, and [NOEOL] a line without an end', () => {
  const step = expectations('first\n...\nlast[NOEOL]\n');
  expect(matches(step.stdout, 'first\nlast', places)).toBe(true);
  expect(matches(step.stdout, 'first\na\nb\nlast', places)).toBe(true);
  expect(matches(step.stdout, 'first\na\nb\nlast\n', places)).toBe(false);
  expect(matches(step.stdout, 'a\nlast', places)).toBe(false);
});

test('what is written down is what would have matched', () => {
  const actual = '! a mark\n/tmp/x/.docker/machine \n...\n\n\\\nopen';
  const step = expectations(`${asExpected(actual, [], places, 'stdout').join('\n')}\n`);
  expect(asExpected(actual, [], places, 'stdout')[1]).toBe('[STORE] [EOL]');
  expect(matches(step.stdout, actual, places)).toBe(true);
});
