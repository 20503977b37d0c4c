import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FakeEngine, type FakeEngineOptions, startFakeEngine } from '../../testbed/fake-engine.ts';
import { PROGRAM, Sandbox } from '../program.ts';

let user: Sandbox;
let engine: FakeEngine;
/** All that may stand in a path and means something to some shell. */
const folder = `my "st'ore" $HOME \`id\` $(touch pwned) !x %PATH% & ; touch pwned; ünï#\n*`;

beforeAll(async () => {
  user = await Sandbox.make();
  const store = join(user.home, folder);
  engine = await startFakeEngine({ certDir: join(store, 'certs') });
  await user.run(['-s', store, 'create', '-d', 'none', '--url', engine.url, 'h1']);
}, 60_000);
afterAll(async () => {
  await engine.close();
  await user.remove();
});

/**
 * The ways the documentation shows, and what a user might do with the text instead; S is the store.
 */
const ways: readonly (readonly [shell: string, flags: readonly string[], script: string])[] = [
  ['bash', ['--norc'], 'set -eu; eval "$("$P" -s "$S" env h1)"'],
  ['bash', ['--norc'], 'set -eu; eval $("$P" -s "$S" env h1)'],
  ['bash', ['--norc'], 'set -eu; . <("$P" -s "$S" env h1)'],
  ['dash', [], 'set -eu; eval "$("$P" -s "$S" env h1)"'],
  ['zsh', ['-f'], 'set -eu; eval "$("$P" -s "$S" env h1)"'],
  ['mksh', [], 'set -eu; eval "$("$P" -s "$S" env h1)"'],
  ['busybox', ['sh'], 'set -eu; eval "$("$P" -s "$S" env h1)"'],
  ['fish', ['--no-config'], 'eval ($P -s $S env h1)'],
  ['fish', ['--no-config'], '$P -s $S env h1 | source'],
  ['tcsh', ['-f'], 'eval `"$P" -s "$S:q" env h1`'],
  ['elvish', ['-norc'], 'eval ((external $E:P) -s $E:S env h1 | slurp)'],
];

/**
 * The environment after the script, as the shell hands
 * it on; undefined where that shell is not installed.
 */
async function variables(shell: string, flags: readonly string[], script: string) {
  // A wrong guess would be seen: no shell is called so.
  const env = { P: PROGRAM, S: join(user.home, folder), LC_ALL: 'C.UTF-8', SHELL: '/bin/none' };
  try {
    const { stdout, stderr } = await user.exec([shell, ...flags, '-c', `${script}\nexec env -0`], { env });
    const entries = stdout.split('\0').map((entry) => entry.split(/=([\s\S]*)/, 2));
    return { stderr, found: Object.fromEntries(entries) as Record<string, string> };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

describe('env of a store whose path holds everything that means something to a shell', () => {
  for (const [shell, flags, script] of ways) {
    test(`is taken by ${shell} with ${script}, and runs nothing`, async () => {
      const result = await variables(shell, flags, script);
      if (result === undefined) return console.log(`Not tried: ${shell} is not installed here.`);
      expect(result.found, result.stderr).toMatchObject({
        DOCKER_TLS_VERIFY: '1',
        DOCKER_HOST: engine.url,
        DOCKER_CERT_PATH: join(user.home, folder, 'machines', 'h1'),
        DOCKER_MACHINE_NAME: 'h1',
      });
      // Neither the path nor the hint, which repeats it, made anything happen.
      expect(result.stderr).toBe('');
      expect(await readdir(user.home)).not.toContain('pwned');
    });
  }

  test('shows a hint that does what it says when it is typed', async () => {
    // A line break in a path cannot be shown in a comment, and is not there.
    const typed = folder.replace('\n', '');
    const store = join(user.home, 'stores', typed);
    await cp(join(user.home, folder, 'certs'), join(store, 'certs'), { recursive: true });
    const argv = ['-s', store];
    await user.run([...argv, 'create', '-d', 'none', '--url', engine.url, 'h1']);
    for (const [shell, flags] of [
      ['bash', ['--norc']],
      ['zsh', ['-f']],
      ['mksh', []],
      ['fish', ['--no-config']],
    ] as const) {
      const name = shell === 'mksh' ? 'sh' : shell;
      const printed = await user.run([...argv, 'env', '--shell', name, 'h1']);
      const hint = printed.stdout.trimEnd().split('\n').at(-1)?.replace('# ', '') ?? '';
      const result = await variables(shell, flags, hint);
      if (result === undefined) continue;
      expect(result.found, `${hint}: ${result.stderr}`).toMatchObject({
        DOCKER_CERT_PATH: join(store, 'machines', 'h1'),
      });
    }
    expect(await readdir(user.home)).not.toContain('pwned');
  });
});

describe('the check of an engine', () => {
  const env = async (options: Partial<FakeEngineOptions>) => {
    const certDir = join(user.home, folder, 'certs');
    const asked = await startFakeEngine({ certDir, ...options });
    const add = ['create', '-d', 'none', '--url', asked.url, 'asked'];
    await user.run(['-s', join(user.home, folder), ...add]);
    // At its first connection the engine makes its certificate, which takes long.
    await user.run(['-s', join(user.home, folder), 'config', 'asked']);
    asked.connections.total = 0;
    const result = await user.run(['-s', join(user.home, folder), 'env', '--shell', 'sh', 'asked']);
    await user.run(['-s', join(user.home, folder), 'rm', '-y', 'asked']);
    await asked.close();
    return { ...result, connections: asked.connections.total };
  };

  test('takes one connection to an engine that is well', async () => {
    for (const options of [{}, { maxVersion: 'TLSv1.2' }] as const) {
      const { code, connections } = await env(options);
      expect({ code, connections }).toEqual({ code: 0, connections: 1 });
    }
  });

  test.each([
    [{ maxVersion: 'TLSv1.1' }, /MM_ENGINE_OLD_TLS/],
    [{ certificate: 'other-name' }, /MM_ENGINE_CERT_NAME/],
    [{ certificate: 'expired' }, /MM_ENGINE_CERT_EXPIRED/],
    [{ certificate: 'foreign' }, /MM_ENGINE_CERT_AUTHORITY/],
    [{ switches: true }, /MM_ENGINE_PROTOCOL/],
  ] as const)('refuses an engine with %o', async (options, words) => {
    const { code, stdout, stderr } = await env(options);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(words);
  });
});
