import { expect, it } from 'vitest';
import { printable } from '../../../src/base/printable.ts';

it.each([
  ['a colour', 'a\u001b[31mb', 'ab'],
  ['a colour of one character', 'a\u009b31mb', 'ab'],
  ['a title', 'a\u001b]0;title\u0007b', 'ab'],
  ['a title of C1 alone', 'a\u009d0;title\u009cb', 'ab'],
  ['a clipboard', 'a\u001b]52;c;AAAA\u001b\\b', 'ab'],
  ['a string for the terminal', 'a\u001bPq#0\u001b\\b', 'ab'],
  ['a sequence that was cut off', 'a\u001b', 'a'],
  ['writing from right to left', 'a\u202eb', 'ab'],
  ['letters of everywhere', 'äжあ🙂', 'äжあ🙂'],
])('takes out %s whole', (_, text, plain) => {
  expect(printable(text)).toBe(plain);
});
