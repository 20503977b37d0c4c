import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isMachineError } from '../../../src/base/machine-error.ts';
import { pinFirstKey, pinnedKeys } from '../../../src/ssh/keys/known-hosts.ts';
import { blobOfLine } from '../../../src/ssh/keys/public-key.ts';
import { hostBlock, includeLine, sshArgv } from '../../../src/ssh/system/openssh.ts';

import { hostKeyAliasOf } from '../../../src/ssh/target.ts';

const hasSsh = spawnSync('ssh', ['-V']).status === 0;
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE8ZkEVkCrT0Q3hb0hS8qVWlkVRfXQZm0Q5H6uTg7Zbq';

const names = [
  ...['a b', "o'brien", 'x"y', 'a\\b', 'a\\', 'a\\\\b', "a\\'b", 'tab\there', 'two\nHost *', '-oX=y', '#a'],
  ...[
    '*',
    '!h',
    'a,b',
    '@revoked',
    '|1|x|y',
    '%h',
    '%%',
    '${HOME}',
    '~',
    'é',
    '漢字',
    '[a]:22',
    '{a,b}',
    'h1',
    'A.b-c',
  ],
];

describe.runIf(hasSsh)("what the system's ssh reads", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mm-syntax-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const targetOf = (name: string) => ({
    ...{ host: '192.0.2.1', port: 2222, user: 'ops', trust: 'pinned' as const, machineName: 'm' },
    keyPath: `/store/machines/${name}/id_ed25519`,
    knownHostsPath: `/store/machines/${name}/known_hosts`,
    hostKeyAlias: hostKeyAliasOf(name),
  });

  /** What ssh makes of a config or of options, or why it refuses them. */
  function settings(args: readonly string[]): ReadonlyMap<string, string> {
    const out = execFileSync('ssh', ['-G', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    return new Map(
      out.split('\n').map((line) => [line.split(' ')[0] ?? '', line.slice(line.indexOf(' ') + 1)]),
    );
  }

  function check(name: string, read: (text: string) => ReadonlyMap<string, string>): void {
    const target = targetOf(name);
    let block: string;
    try {
      block = hostBlock(target);
    } catch (error) {
      expect(isMachineError(error, 'MM_SSH_TARGET'), String(error)).toBe(true);
      return;
    }
    const percent = (path: string) => path.replaceAll('%', '%%');
    for (const found of [read(block), settings(['-F', 'none', ...sshArgv(target, []).slice(1)])]) {
      expect(found.get('hostkeyalias'), name).toBe(target.hostKeyAlias.toLowerCase());
      expect([target.knownHostsPath, percent(target.knownHostsPath)], name).toContain(
        found.get('userknownhostsfile'),
      );
      expect([target.keyPath, percent(target.keyPath)], name).toContain(found.get('identityfile'));
      expect(found.get('port')).toBe('2222');
    }
  }

  test('has every path and name as it is, or the block is refused', async () => {
    const path = join(folder, 'config');
    for (const name of names) {
      const block = (text: string) => {
        execFileSync('tee', [path], { input: text, stdio: ['pipe', 'ignore', 'ignore'] });
        return settings(['-F', path, '192.0.2.1']);
      };
      check(name, block);
    }
  });

  test('has whatever name a folder has, or the block is refused', async () => {
    const path = join(folder, 'fuzzed');
    const part = fc.constantFrom(...' \'"\\%$#~a.-*?,{}', '\t', 'é', '\\\\', '${');
    const name = fc.string({ unit: part, minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(name, (name) => {
        check(name, (text) => {
          execFileSync('tee', [path], { input: text, stdio: ['pipe', 'ignore', 'ignore'] });
          return settings(['-F', path, '192.0.2.1']);
        });
      }),
      { numRuns: 60 },
    );
  });

  test('is included from a store with any path, or the line is refused', async () => {
    for (const name of names.filter((name) => !name.includes('/'))) {
      const store = await mkdtemp(join(folder, `${name.slice(0, 20)}-`));
      await writeFile(join(store, 'ssh_config'), 'Host 192.0.2.9\n  Port 4711\n');
      let line: string;
      try {
        line = includeLine(join(store, 'ssh_config'));
      } catch (error) {
        expect(isMachineError(error, 'MM_SSH_TARGET'), String(error)).toBe(true);
        continue;
      }
      const user = join(folder, 'user');
      await writeFile(user, `${line}\n`);
      expect(settings(['-F', user, '192.0.2.9']).get('port'), name).toBe('4711');
    }
  });
});

test('a host key is pinned and found again under whatever name a machine has', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mm-alias-'));
  const blob = blobOfLine(key);
  if (blob === undefined) throw new Error('no key');
  for (const [index, name] of names.entries()) {
    const [path, alias] = [join(folder, String(index)), hostKeyAliasOf(name)];
    await pinFirstKey(path, alias, blob);
    expect(await pinnedKeys(path, alias), name).toHaveLength(1);
    if (hasSsh)
      expect(spawnSync('ssh-keygen', ['-F', alias, '-f', path]).stdout.toString(), name).toContain(key);
  }
  expect(hostKeyAliasOf('H1.example-2')).toBe('H1.example-2');
  await rm(folder, { recursive: true });
});
