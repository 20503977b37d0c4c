import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROGRAM, Sandbox } from './program.ts';

const folder = dirname(PROGRAM);

describe.runIf(basename(folder) === 'dist-binary')('what lies beside the executable', () => {
  it('is the completion of each shell, as the program itself gives it', async () => {
    const user = await Sandbox.make();
    for (const [shell, file] of [
      ['bash', 'mymachine'],
      ['zsh', '_mymachine'],
      ['fish', 'mymachine.fish'],
      ['powershell', 'mymachine.ps1'],
    ] as const) {
      const { stdout } = await user.run(['completion', shell]);
      expect(stdout, shell).not.toBe('');
      expect(readFileSync(join(folder, 'completions', file), 'utf8'), shell).toBe(stdout);
    }
    await user.remove();
  });

  it('is a manual page for each that npm installs, and the licences', () => {
    const ours = readdirSync(join(folder, '../dist/man')).sort();
    expect(readdirSync(join(folder, 'man')).sort()).toEqual(ours);
    expect(readFileSync(join(folder, 'LICENSE'), 'utf8')).toContain('Apache License');
    const others = readFileSync(join(folder, 'THIRD-PARTY-LICENSES'), 'utf8');
    for (const name of ['ssh2', 'node-forge', 'execa', 'Bun']) expect(others).toContain(name);
  });
});
