import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseFacts } from '../../../../src/provision/host/facts.ts';
import { asOneCommand } from '../../../../src/provision/host/root-shell.ts';
import library from '../../../../src/provision/scripts/library.sh';
import {
  commitProgram,
  factsProgram,
  installProgram,
  settledFactsProgram,
  uninstallProgram,
  upgradeProgram,
} from '../../../../src/provision/scripts/programs.ts';

const scripts = {
  commitProgram,
  factsProgram,
  settledFactsProgram,
  installProgram,
  uninstallProgram,
  upgradeProgram,
};
const shells = ['/bin/dash', '/bin/bash', '/bin/sh'].filter((path) => existsSync(path));

describe.each(Object.entries(scripts))('%s', (_, script) => {
  it.each(shells)('is a program to %s', (shell) => {
    expect(
      execFileSync(shell, ['-n'], { input: script, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] }),
    ).toBe('');
  });

  it('is short enough to be sent at once, and plain ASCII', () => {
    expect(Buffer.byteLength(script)).toBeLessThan(24_000);
    expect(script).toMatch(/^[\n\x20-\x7e]*$/);
  });

  it('holds no trace of how it was put together', () => {
    // What the shell is to expand has an operator: ${1%/*}. dpkg's fields have a capital.
    expect(script).not.toMatch(/undefined|\[object|\$\{(?!\w+[%#]|(?:db:|binary:)?[A-Z])/);
  });
});

describe('a connection that breaks', () => {
  const command = asOneCommand('echo begun\ncat <<END\nsomething\nEND\necho done # well');
  const run = (shell: string, text: string) =>
    spawnSync(shell, ['-c', 'eval "$(cat)"'], { input: text, encoding: 'utf8' }).stdout;

  // A shell for each byte.
  it.each(shells)('makes %s run all of a script or nothing', { timeout: 180_000 }, (shell) => {
    const whole = 'begun\nsomething\ndone\n';
    expect(run(shell, command)).toBe(whole);
    for (let length = 0; length < command.length; length += 1)
      // The last line end adds nothing.
      expect(run(shell, command.slice(0, length)), `${length} bytes`).toBe(
        length < command.length - 1 ? '' : whole,
      );
  });

  // None of them gets as far as to look at the host.
  it.each(Object.entries({ installProgram, uninstallProgram, upgradeProgram }))(
    'leaves %s without its last instruction, and it does nothing',
    (_, script) => {
      const from = script.indexOf('take() {');
      const last = script.indexOf('\ninstructions take', from);
      const reading = script.slice(from, script.indexOf('\n', last + 1));
      const ends = (input: string) =>
        spawnSync('sh', ['-c', `${library}\n${reading}\necho went on`], { input, encoding: 'utf8' }).stdout;
      expect(ends('made L3g=\nend\n')).toBe('went on\n');
      expect(ends('made L3g=\n')).toBe('');
      expect(ends('made L3g=\nend')).toBe('');
    },
  );
});

describe('the lock of all provisioning', () => {
  // Where hosts are what this computer is.
  it.runIf(process.platform === 'linux')('lies where nobody but root can take its name first', () => {
    const path = execFileSync('sh', ['-c', `${library}\nprintf %s "$lockfile"`], { encoding: 'utf8' });
    const folder = statSync(dirname(path));
    expect([folder.uid, folder.mode & 0o022], path).toEqual([0, 0]);
  });
});

describe('factsProgram', () => {
  it('looks at any Linux host without changing it, also one that has nothing of what it looks for', () => {
    const output = execFileSync('sh', ['-c', 'eval "$(cat)"'], {
      input: factsProgram,
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const facts = parseFacts(output);
    expect(facts.hostname).not.toBe('');
    expect(facts.files.has('os-release')).toBe(true);
    expect(facts.disks.size).toBeGreaterThan(0);
  });
});
