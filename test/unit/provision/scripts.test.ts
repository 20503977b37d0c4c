import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commitScript } from '../../../src/provision/commit-script.ts';
import { parseFacts } from '../../../src/provision/facts.ts';
import { factsScript } from '../../../src/provision/facts-script.ts';
import { installScript } from '../../../src/provision/install-script.ts';
import { uninstallScript } from '../../../src/provision/uninstall-script.ts';

const scripts = { commitScript, factsScript, installScript, uninstallScript };
const shells = ['/bin/dash', '/bin/bash', '/bin/sh'].filter((path) => existsSync(path));

describe.each(Object.entries(scripts))('%s', (_, script) => {
  it.each(shells)('is a program to %s', (shell) => {
    expect(
      execFileSync(shell, ['-n'], { input: script, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] }),
    ).toBe('');
  });

  it('is short enough to be sent at once, and plain ASCII', () => {
    expect(Buffer.byteLength(script)).toBeLessThan(20_000);
    expect(script).toMatch(/^[\n\x20-\x7e]*$/);
  });

  it('holds no trace of how it was put together', () => {
    expect(script).not.toMatch(/undefined|\[object|\$\{/);
  });
});

describe('factsScript', () => {
  it('looks at any Linux host without changing it, also one that has nothing of what it looks for', () => {
    const output = execFileSync('sh', ['-c', 'eval "$(cat)"'], {
      input: factsScript,
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const facts = parseFacts(output);
    expect(facts.hostname).not.toBe('');
    expect(facts.files.has('os-release')).toBe(true);
    expect(facts.disks.size).toBeGreaterThan(0);
  });
});
