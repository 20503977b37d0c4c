import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { unitName } from '../../../../src/drivers/nspawn/container/container.ts';
import { networkId } from '../../../../src/drivers/nspawn/network/leases.ts';
import { networkNames } from '../../../../src/drivers/nspawn/network/network.ts';
import { isHostName } from '../../../../src/drivers/nspawn/precheck.ts';
import { packagesOf, rootName, suiteNames } from '../../../../src/drivers/nspawn/root/root-image.ts';

test('the names of links fit into the 15 characters that the kernel has for them', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(`vb-${unitName(text)}`.length).toBeLessThanOrEqual(15);
      expect(networkNames(networkId(text)).link.length).toBeLessThanOrEqual(15);
      expect(networkNames(networkId(text)).link).toMatch(/^[a-z0-9]+$/);
    }),
  );
});

test('two stores have two networks', () => {
  expect(networkNames(networkId('/a')).netns).not.toBe(networkNames(networkId('/b')).netns);
  expect(networkNames(networkId('/a'))).toEqual(networkNames(networkId('/a')));
});

describe('a host name', () => {
  test.each(['host1', 'a', 'web-1.example', 'X9', 'a'.repeat(63)])('can be %s', (name) => {
    expect(isHostName(name)).toBe(true);
  });

  test.each(['', '-a', 'a-', 'a.', '.a', 'a..b', 'a-.b', 'a_b', 'a b', 'a\n', 'a'.repeat(64)])(
    'cannot be %j',
    (name) => {
      expect(isHostName(name)).toBe(false);
    },
  );
});

describe('a root file system', () => {
  test('is named for its suite and what is in it', () => {
    expect(rootName({ suite: 'bookworm', engine: false, packages: [] })).toBe('bookworm');
    expect(rootName({ suite: 'sid', engine: true, packages: [] })).toBe('sid-engine');
  });

  test('with further packages has another name, whatever their order', () => {
    const name = (...packages: string[]) => rootName({ suite: 'trixie', engine: true, packages });
    expect(name('git', 'vim')).toMatch(/^trixie-engine-[0-9a-f]{8}$/);
    expect(name('git', 'vim')).toBe(name('vim', 'git'));
    expect(name('git')).not.toBe(name('vim'));
  });

  test.each(suiteNames)('of %s has the engine only when it is asked for', (suite) => {
    expect(packagesOf({ suite, engine: true, packages: ['git'] })).toEqual(
      expect.arrayContaining(['docker.io', 'iptables', 'openssh-server', 'sudo', 'git']),
    );
    expect(packagesOf({ suite, engine: false, packages: [] })).not.toContain('docker.io');
  });
});
