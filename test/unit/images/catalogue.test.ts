import { expect, test } from 'vitest';
import { buildSystem } from '../../../src/images/catalogue.ts';

test.each([
  ['debian-13', {}, 'trixie', 'cloud'],
  ['debian-13-engine', {}, 'trixie', 'cloud'],
  ['debian-13-generic-engine', {}, 'trixie', 'full'],
  ['debian-12-generic', {}, 'bookworm', 'full'],
  ['mine', {}, 'bookworm', 'cloud'],
  ['mine', { suite: 'sid', kernel: 'full' }, 'sid', 'full'],
  ['debian-13', { suite: 'sid' }, 'sid', 'cloud'],
] as const)('what is built as %s with %o is %s with the kernel %s', (name, said, suite, kernel) => {
  expect(buildSystem(name, said)).toEqual({ suite, kernel });
});
