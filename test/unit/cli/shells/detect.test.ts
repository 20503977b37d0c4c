import { execFile } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { localPrograms } from '../../../../src/cli/computer/programs.ts';
import { detectShell, processEntry, type ShellClues } from '../../../../src/cli/shells/detect.ts';

/** A chain of processes, the nearest first. */
function clues(
  chain: readonly string[],
  more: Partial<ShellClues> = {},
  env: Record<string, string> = {},
): ShellClues {
  return {
    platform: 'linux',
    parentPid: 100,
    process: async (pid) => {
      const name = chain[100 - pid];
      return name === undefined ? undefined : { name, parentPid: pid - 1 };
    },
    env: (name) => env[name] ?? '',
    ...more,
  };
}

describe('the shell that reads our output', () => {
  it('is the nearest shell among our ancestors', async () => {
    expect(await detectShell(clues(['bash', 'sshd']))).toBe('bash');
    expect(await detectShell(clues(['sudo', 'sudo', '-zsh', 'login'], {}, { SHELL: '/bin/bash' }))).toBe(
      'zsh',
    );
    expect(await detectShell(clues(['sh', 'bash'], {}, { SHELL: '/bin/bash' }))).toBe('sh');
    expect(await detectShell(clues(['/usr/local/bin/pwsh']))).toBe('powershell');
  });

  it('is not the sh that npm runs a program with', async () => {
    expect(await detectShell(clues(['node', 'sh', 'npm exec mymachi', 'fish']))).toBe('fish');
    expect(await detectShell(clues(['sh', 'node-MainThread', 'zsh']))).toBe('zsh');
  });

  it('is what the environment says when no ancestor is one', async () => {
    expect(await detectShell(clues(['cron', 'init'], {}, { SHELL: '/usr/bin/tcsh' }))).toBe('tcsh');
    expect(await detectShell(clues([], {}, { SHELL: '/bin/xonsh' }))).toBe('xonsh');
    expect(await detectShell(clues([], {}, { SHELL: '/bin/bash', __fish_bin_dir: '/usr/bin' }))).toBe('fish');
    expect(await detectShell(clues([]))).toBeUndefined();
  });

  /** Chains with what each prints to, ours being pipe:[1]. */
  const printing = (chain: readonly (readonly [name: string, stdout: string, program?: string])[]) =>
    clues(
      [],
      {
        stdout: 'pipe:[1]',
        process: async (pid) => {
          const [name, stdout, program] = chain[100 - pid] ?? [];
          return name === undefined ? undefined : { name, stdout, program, parentPid: pid - 1 };
        },
      },
      { SHELL: '/bin/zsh' },
    );

  it('is the one that catches our output, where that can be seen', async () => {
    const inFish = [['fish', '/dev/pts/1']] as const;
    // eval (npx mymachine env), eval (bash -c 'mymachine env; true')
    expect(
      await detectShell(printing([['sh', 'pipe:[1]'], ['node-MainThread', 'pipe:[1]'], ...inFish])),
    ).toBe('fish');
    expect(await detectShell(printing([['bash', 'pipe:[1]'], ...inFish]))).toBe('fish');
    // A recipe of make, and a script with its own name.
    expect(await detectShell(printing([['sh', '/dev/pts/1'], ['make', '/dev/pts/1'], ...inFish]))).toBe('sh');
    expect(await detectShell(printing([['deploy.sh', '/dev/pts/1', '/usr/bin/bash'], ...inFish]))).toBe(
      'bash',
    );
  });

  it('is what $SHELL says when a program catches our output', async () => {
    const python = ['python3', '/dev/pts/1'] as const;
    expect(await detectShell(printing([python, ['fish', '/dev/pts/1']]))).toBe('zsh');
    expect(await detectShell(printing([['sh', 'pipe:[1]'], python, ['fish', '/dev/pts/1']]))).toBe('zsh');
    const nameless = {
      ...printing([
        ['bash', 'pipe:[1]'],
        ['runner', 'socket:[2]'],
      ]),
      env: () => '',
    };
    expect(await detectShell(nameless)).toBe('bash');
    expect(await detectShell({ ...printing([python, ['fish', '/dev/pts/1']]), env: () => '' })).toBe('fish');
  });

  it('is the nearest one on a terminal, also on the one that sudo makes', async () => {
    const onTerminal = {
      ...printing([
        ['sudo', '/dev/pts/1'],
        ['fish', '/dev/pts/1'],
        ['tmux', '/dev/null'],
      ]),
    };
    expect(await detectShell({ ...onTerminal, stdout: '/dev/pts/2' })).toBe('fish');
  });

  it('is guessed from the environment on Windows', async () => {
    const windows = { platform: 'win32' } as const;
    expect(await detectShell(clues(['bash'], windows, { PSModulePath: 'a;b' }))).toBe('cmd');
    expect(await detectShell(clues([], windows, { PSModulePath: 'a;b;c' }))).toBe('powershell');
    expect(await detectShell(clues([], windows, { SHELL: 'C:\\Git\\usr\\bin\\bash.exe' }))).toBe('bash');
  });

  it('is looked for no longer than a family can be', async () => {
    let looked = 0;
    const process = async (pid: number) => {
      looked++;
      return { name: 'worker', parentPid: pid + 1 };
    };
    expect(await detectShell(clues([], { process }))).toBeUndefined();
    expect(looked).toBeLessThan(20);
  });
});

describe('a process', () => {
  const programs = localPrograms(process.env);

  it('is found with its parent, by /proc and by ps', async () => {
    const platforms = process.platform === 'linux' ? (['linux', 'darwin'] as const) : (['darwin'] as const);
    for (const platform of platforms) {
      const entry = await processEntry(process.pid, platform, programs);
      expect(entry?.parentPid).toBe(process.ppid);
      expect(entry?.name).toMatch(/node|vitest|MainThread/);
      expect(await processEntry(2 ** 22 + 1, platform, programs)).toBeUndefined();
    }
  });

  it('is found when it is a child of ours', async () => {
    const child = execFile('bash', ['--norc', '-c', 'read line; exit']);
    const entry = await processEntry(child.pid ?? 0, process.platform, programs);
    child.stdin?.end('\n');
    expect(entry).toMatchObject({ parentPid: process.pid });
  });
});
