import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Sandbox } from '../program.ts';
import { pressTab, Terminal } from './terminal.ts';

/** Whether the shell is there; says so when it is not. */
function has(program: string): boolean {
  const there = spawnSync(program, ['-c', 'true']).error === undefined;
  if (!there) process.stdout.write(`left out: the completion in ${program}, which is not on this computer\n`);
  return there;
}

/** A line, and what is offered at its end. */
const cases: readonly (readonly [line: string, offered: readonly string[]])[] = [
  ['mymachine ss', ['ssh']],
  ['mymachine h regen', ['regenerate-certs']],
  ['mymachine --storage', ['--storage-path']],
  ['mymachine ssh ', ['alpha', 'beta-1', 'Gamma.2']],
  ['mymachine rm -f alpha ', ['beta-1', 'Gamma.2']],
  ['docker-machine stop be', ['beta-1']],
  ['mymachine ssh alpha ', []],
  ['mymachine ssh alpha -', []],
  ['mymachine create -d q', ['qemu']],
  ['mymachine create --driver=n', ['--driver=none', '--driver=nspawn']],
  [
    'mymachine create -d generic --generic-ssh-',
    ['--generic-ssh-key', '--generic-ssh-port', '--generic-ssh-user'],
  ],
  ['mymachine create --driver=generic --qemu-', []],
  ['mymachine create --qemu-ac', ['--qemu-accel']],
  ['mymachine create -d qemu --qemu-accel k', ['kvm']],
  ['mymachine create --engine-install ', ['auto', 'script', 'repository', 'distro']],
  ['mymachine create name --generic-ip-address ', []],
  ['mymachine env --shell fi', ['fish']],
  ['mymachine ls --filter na', ['name=']],
  ['mymachine ls --filter driver=q', ['driver=qemu']],
  ['mymachine ls --filter=state=Sto', ['--filter=state=Stopped', '--filter=state=Stopping']],
  ['mymachine -s "$HOME/other store" ip ', ['elsewhere']],
  ['mymachine --storage-path=~/plain url ', ['plain1']],
  ['mymachine ip --storage-path ~/plain ', ['plain1']],
  ['mymachine scp al', ['alpha:']],
  ['mymachine scp -d al', ['alpha:']],
  ['mymachine scp root@al', ['root@alpha:']],
  ['mymachine scp alpha:', []],
  ['mymachine scp x.txt be', ['beta-1:']],
  ['mymachine prefs set nspawn-m', ['nspawn-memory']],
  ['mymachine image pull debian-13', ['debian-13', 'debian-13-generic']],
  ['mymachine completion f', ['fish']],
  ['mymachine shell-init fi', ['fish']],
  ['mymachine use be', ['beta-1']],
  ['mymachine mount al', ['alpha:']],
  ['mymachine create --generic-ssh-key ke', ['key one']],
];
const lines = cases.map(([line]) => line);

let user: Sandbox;
const scripts: Record<string, string> = {};

beforeAll(async () => {
  user = await Sandbox.make();
  const strange = [
    'we ird',
    '$(touch pwned)',
    '`touch pwned`',
    'two\nlines',
    '-rf',
    '.hidden',
    "it's",
    'a;b',
  ];
  for (const name of ['alpha', 'beta-1', 'Gamma.2', ...strange])
    mkdirSync(join(user.store, 'machines', name), { recursive: true });
  writeFileSync(join(user.store, 'machines', 'file'), '');
  mkdirSync(join(user.home, 'other store', 'machines', 'elsewhere'), { recursive: true });
  mkdirSync(join(user.home, 'plain', 'machines', 'plain1'), { recursive: true });
  writeFileSync(join(user.home, 'key one'), '');
  for (const shell of ['bash', 'zsh', 'fish', 'powershell']) {
    const printed = await user.run(['completion', shell]);
    expect(printed).toMatchObject({ code: 0, stderr: '' });
    const path = join(user.home, `.script.${shell}`);
    writeFileSync(path, printed.stdout);
    scripts[shell] = path;
  }
}, 60_000);

afterAll(() => user.remove());

/** Compares all at once, so that a failure shows every line that went wrong. */
function expectOffers(
  offers: readonly (readonly string[])[],
  like: (offered: string, line: string) => string | readonly string[],
) {
  const sorted = (words: readonly string[]) => [...new Set(words)].sort();
  expect(lines.map((line, index) => [line, sorted(offers[index] ?? [])])).toEqual(
    cases.map(([line, offered]) => [line, sorted(offered.flatMap((each) => like(each, line)))]),
  );
  expect(existsSync(join(user.home, 'pwned'))).toBe(false);
}

test('bash offers for each line what fits there, and runs nothing of what it reads', async () => {
  expect(spawnSync('bash', ['-n', scripts['bash'] ?? '']).status).toBe(0);
  const offers = await pressTab('bash', scripts['bash'] ?? '', lines, user.home, user.environment());
  expectOffers(offers, (offered, line) => {
    // Files are readline's own matter; words are given
    // from the last break on, as readline wants them.
    if (offered === 'key one') return [];
    const typed = line.split(' ').at(-1) ?? '';
    return offered.slice(typed.length - (/(?:@[^:=@]*|[^:=@]*)$/.exec(typed)?.[0].length ?? 0));
  });
});

test('bash completes for the wrapper function, and quotes files as readline does', async () => {
  const terminal = new Terminal('bash --norc --noprofile -i', user.home, user.environment());
  const seen = join(user.home, '.seen');
  try {
    terminal.type(`bind 'set bell-style none'; mymachine() { printf '<%s>' "$@" > '${seen}'; }\n`);
    terminal.type(`. '${scripts['bash']}'; PS1='ready> '\n`);
    await terminal.shows('ready> ');
    terminal.type('mymachine creat\t--driver=gene\t--generic-ssh-k\tke\t--tls-s\tx\n');
    const shown = () => (existsSync(seen) ? readFileSync(seen, 'utf8') : '');
    await terminal.until(() => shown().endsWith('<x>'), 'the command');
    expect(shown()).toBe('<create><--driver=generic><--generic-ssh-key><key one><--tls-san><x>');
    terminal.type('mymachine scp root@alp\t/tmp be\t\n');
    await terminal.until(() => shown().startsWith('<scp>'), 'the next command');
    expect(shown()).toBe('<scp><root@alpha:/tmp><beta-1:>');
  } finally {
    terminal.close();
  }
});

if (has('zsh'))
  test('zsh offers for each line what fits there, and runs nothing of what it reads', async () => {
    expect(spawnSync('zsh', ['-fn', scripts['zsh'] ?? '']).status).toBe(0);
    const offers = await pressTab('zsh', scripts['zsh'] ?? '', lines, user.home, user.environment());
    expectOffers(offers, (offered) => offered.replace(' ', '\\ '));
  });

if (has('fish'))
  test('fish offers for each line what fits there, and runs nothing of what it reads', async () => {
    const asked = join(user.home, '.lines.fish');
    const ask = lines.map((line) => `complete -C '${line.replaceAll("'", "\\'")}'; echo DONE`);
    writeFileSync(asked, `source ${scripts['fish']}\n${ask.join('\n')}\n`);
    const { stdout, stderr, code } = await user.exec(['fish', '-N', asked]);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    const offers = stdout.split('DONE\n').map((text) =>
      text
        .split('\n')
        .filter((row) => row !== '')
        .map((row) => row.replace(/\t.*$/, '')),
    );
    expectOffers(offers, (offered) => offered);
  });

if (has('pwsh'))
  test('PowerShell takes the script', async () => {
    const { stderr, code } = await user.exec(['pwsh', '-NoProfile', '-File', scripts['powershell'] ?? '']);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  });

test('completion names the shells it knows when it is asked for another', async () => {
  const wrong = await user.run(['completion', 'ksh']);
  expect(wrong).toMatchObject({ code: 2, stdout: '' });
  expect(wrong.stderr).toContain('Completion takes the name of a shell: bash, zsh, fish, powershell');
});
