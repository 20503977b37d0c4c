import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderEnv } from '../../../../src/cli/shells/render-env.ts';

/**
 * A program that reads our text, and the ways in which
 * users make it do so; FILE stands for the text's path.
 */
interface RealShell {
  readonly program: string;
  readonly name: string;
  readonly run: (script: string) => readonly string[];
  readonly ways: readonly string[];
  /** Makes it end at the first failure, where it can. */
  readonly strict?: string;
  /** What the shell itself cannot keep in a variable. */
  readonly cannot?: RegExp;
}

const posixWays = ['eval $(cat FILE)', 'eval "$(cat FILE)"', '. FILE'];
const shells: readonly RealShell[] = [
  {
    program: 'bash',
    name: 'bash',
    run: (script) => ['--norc', '-c', script],
    ways: posixWays,
    strict: 'set -eu',
  },
  { program: 'dash', name: 'sh', run: (script) => ['-c', script], ways: posixWays, strict: 'set -eu' },
  { program: 'zsh', name: 'zsh', run: (script) => ['-f', '-c', script], ways: posixWays, strict: 'set -eu' },
  { program: 'mksh', name: 'sh', run: (script) => ['-c', script], ways: posixWays, strict: 'set -eu' },
  {
    program: 'busybox',
    name: 'sh',
    run: (script) => ['sh', '-c', script],
    ways: posixWays,
    strict: 'set -eu',
  },
  {
    program: 'fish',
    name: 'fish',
    run: (script) => ['--no-config', '-c', script],
    ways: ['eval (cat FILE)', 'cat FILE | source', 'source FILE'],
    // fish keeps these code points for itself.
    cannot: /[\uf600-\uf6ff\ufdd0-\ufdef\u{fffe}\u{ffff}\u{e000}-\u{f8ff}]/u,
  },
  {
    program: 'tcsh',
    name: 'tcsh',
    run: (script) => ['-f', '-c', script],
    ways: ['eval `cat FILE`', 'source FILE'],
    // Its own use of the code points behind Unicode's and at its edges.
    cannot: /[\u{fffe}\u{ffff}\u{10000}-\u{10ffff}]/u,
  },
  {
    program: 'elvish',
    name: 'elvish',
    run: (script) => ['-norc', '-c', script],
    ways: ['eval (cat FILE | slurp)'],
    cannot: /\r/,
  },
  {
    program: 'emacs',
    name: 'emacs',
    run: (script) => ['-Q', '--batch', '--eval', script],
    ways: ['(with-temp-buffer (insert-file-contents FILE) (eval-buffer))'],
    // The locale's conversion rewrites what is no character, and characters of its own.
    cannot: /[\ufdd0-\ufdef\u{fffe}\u{ffff}]/u,
  },
  {
    program: 'pwsh',
    name: 'powershell',
    run: (script) => ['-NoProfile', '-NonInteractive', '-Command', script],
    ways: ['Get-Content FILE | Invoke-Expression', '. ([scriptblock]::Create((Get-Content -Raw FILE)))'],
    strict: "$ErrorActionPreference = 'Stop'",
  },
  {
    program: 'nu',
    name: 'nushell',
    run: (script) => ['-n', '-c', script],
    ways: ['open --raw FILE | from nuon | load-env'],
  },
];
const installed = shells.filter(({ program }) => spawnSync(program, ['--version']).error === undefined);
const missing = shells.filter((shell) => !installed.includes(shell)).map(({ program }) => program);

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'mymachine shells-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A sentence for the user with all in it that means something to some shell. */
const note = `Say: Include "/it's $HOME/$(touch noted) \`touch noted\`/*?[a-z] !x ^a^b %PATH% \\ ; touch noted & | < >"`;

function evaluate(shell: RealShell, way: string, values: readonly string[]): readonly (string | undefined)[] {
  const file = join(dir, 'text');
  const sets = values.map((value, at) => ({ name: `VALUE_${at}`, value }));
  writeFileSync(file, renderEnv(shell.name, sets, ['GONE', 'NEVER_SET'], ['true', 'env', "it's"], [note]));
  const dialects: Readonly<Record<string, readonly [text: string, dump: string]>> = {
    nushell: ['$env.TEXT', '^env -0'],
    elvish: ['$E:TEXT', 'exec env -0'],
    powershell: ['$Env:TEXT', 'env -0'],
    emacs: ['(getenv "TEXT")', '(call-process "sh" nil nil nil "-c" "env -0 > \\"$TEXT.env\\"")'],
  };
  const [text, dump] = dialects[shell.name] ?? ['"$TEXT"', 'exec env -0'];
  // Emacs takes one form, and would print bytes in its own way.
  const script =
    shell.name === 'emacs'
      ? `(progn ${way.replace('FILE', text)} ${dump})`
      : `${shell.strict ?? ''}\n${way.replace('FILE', text)}\n${dump}`;
  const { stdout, stderr } = spawnSync(shell.program, shell.run(script), {
    encoding: 'utf8',
    cwd: dir,
    env: { PATH: process.env['PATH'], HOME: dir, LC_ALL: 'C.UTF-8', TEXT: file, GONE: 'still here' },
  });
  const dumped = shell.name === 'emacs' ? readFileSync(`${file}.env`, 'utf8') : stdout;
  const found = new Map(
    dumped.split('\0').map((entry) => {
      const at = entry.indexOf('=');
      return [entry.slice(0, at), entry.slice(at + 1)] as const;
    }),
  );
  expect(readdirSync(dir), `${shell.program} ${way}`).not.toContain('noted');
  expect(found.has('GONE'), `${shell.program} ${way}: ${stderr}`).toBe(false);
  return sets.map(({ name }) => found.get(name));
}

const nasty = [
  '/home/ann/.docker/machine/machines/host1',
  '/home/my machines/a  b',
  `/q'u"o\`t'e`,
  '$HOME $(id) ${x} `id`',
  'back\\slash\\',
  'new\nline',
  'ends\n\n',
  '\nstarts',
  ' blank ',
  'tab\there',
  'bang!! !x ^a^b',
  '*?[a-z]{b,c}~',
  '#hash; & | < > ( )',
  '%s %d %% \\n \\041',
  '-n',
  'ünï €',
  '',
];

describe('the text of env', () => {
  it('is tried in real shells, sh and bash at least', () => {
    if (missing.length > 0)
      console.log(`Not tried, since they are not installed here: ${missing.join(', ')}.`);
    expect(installed.map(({ program }) => program)).toEqual(expect.arrayContaining(['bash', 'dash']));
  });

  for (const shell of installed) {
    for (const way of shell.ways) {
      it(`arrives unchanged in ${shell.program} by ${way}`, { timeout: 60_000 }, () => {
        const possible = nasty.filter((value) => shell.cannot?.test(value) !== true);
        expect(evaluate(shell, way, possible)).toEqual(possible);
      });
    }

    it(`arrives unchanged in ${shell.program} whatever it is`, { timeout: 60_000 }, () => {
      const special = fc.constantFrom(...` \t\n\r'"\`$\\!*?[]{}()<>|&;#~^%=-+@:,./abé€`);
      const value = fc
        .oneof(fc.string({ unit: special, maxLength: 30 }), fc.string({ unit: 'binary', maxLength: 12 }))
        .filter((text) => !text.includes('\0') && shell.cannot?.test(text) !== true);
      fc.assert(
        fc.property(
          fc.array(value, { minLength: 10, maxLength: 20 }),
          fc.constantFrom(...shell.ways),
          (values, way) => {
            expect(evaluate(shell, way, values)).toEqual(values);
          },
        ),
        { numRuns: 10 },
      );
    });
  }
});
