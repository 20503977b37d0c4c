import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Argv } from '../../../src/base/ports.ts';
import { quote } from '../../../src/ssh/quote.ts';

const PRINT = `printf '%s\\0' "$@"`;

/** The shells that a login user of a host may have, as far as this computer has them; sh always. */
const shells = [
  '/bin/sh',
  ...['/bin/bash', '/bin/dash', '/bin/zsh', '/bin/ksh', '/bin/csh', '/bin/tcsh', '/usr/bin/fish'].filter(
    existsSync,
  ),
];

describe('quote', () => {
  test.each(shells)(
    'brings every argument through %s unchanged',
    (shell) => {
      const argument = fc.oneof(
        fc.string({ unit: 'binary', maxLength: 20 }),
        fc.string({
          unit: fc.constantFrom(
            "'",
            '"',
            '\\',
            '\n',
            ' ',
            '$',
            '`',
            '!',
            '*',
            '~',
            '-',
            '\r',
            '\t',
            'é',
            '😀',
          ),
          maxLength: 12,
        }),
      );
      const vectors = fc.array(fc.array(argument, { maxLength: 6 }), { minLength: 30, maxLength: 30 });
      fc.assert(
        fc.property(vectors, (lists) => {
          const wanted = lists.map((words) => [...words.map((word) => word.replaceAll('\0', '')), 'end']);
          // Many command lines in one shell, for a process each would take long.
          const script = wanted.map((args) => quote(['sh', '-c', PRINT, 'sh', ...args])).join('\n');
          const out = execFileSync(shell, ['-c', script]).toString();
          expect(out).toBe(
            wanted
              .flat()
              .map((word) => `${word}\0`)
              .join(''),
          );
        }),
        { numRuns: 3 },
      );
    },
    60_000,
  );

  test.each([
    [['true'], "'true'"],
    [['ls', '-la', '/var/lib/docker'], "'ls' -la /var/lib/docker"],
    [['echo', ''], "'echo' ''"],
    [['echo', "it's"], `'echo' 'it'\\''s'`],
    [['echo', 'a\\b'], `'echo' 'a'\\\\'b'`],
    [['echo', '=ls', '~', 'a b'], `'echo' '=ls' '~' 'a b'`],
  ] as const)('of %j is %s', (argv, line) => {
    expect(quote(argv)).toBe(line);
  });

  test('makes the first word neither a keyword nor an assignment', () => {
    const run = (argv: Argv) =>
      execFileSync('/bin/sh', ['-c', `${quote(argv)} 2>&1 || true`], {
        env: { PATH: '/usr/bin:/bin' },
      }).toString();
    expect(run(['A=b', 'true'])).toContain('not found');
    expect(run(['if', 'true'])).toContain('not found');
  });

  test('refuses what cannot be an argument', () => {
    expect(() => quote(['echo', 'a\0b'])).toThrow(expect.objectContaining({ code: 'MM_SSH_COMMAND' }));
    expect(() => quote(['echo', 'x'.repeat(200_000)])).toThrow(
      expect.objectContaining({ code: 'MM_SSH_COMMAND' }),
    );
  });
});
