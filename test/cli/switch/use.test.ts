import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FakeEngine, startFakeEngine } from '../../testbed/fake-engine.ts';
import { PROGRAM, Sandbox } from '../program.ts';

const RECORDED = 'tcp://192.0.2.77:2376';
const THROUGH_SSH = 'ssh://ubuntu@192.0.2.78';
const variables = ['DOCKER_TLS_VERIFY', 'DOCKER_HOST', 'DOCKER_CERT_PATH', 'DOCKER_MACHINE_NAME'];

let user: Sandbox;
let engine: FakeEngine;
let bin: string;

beforeAll(async () => {
  user = await Sandbox.make({ MACHINE_STORAGE_PATH: join('/tmp', `mm use-"$x'${process.pid}`) });
  engine = await startFakeEngine({ certDir: join(user.store, 'certs') });
  bin = join(user.home, 'bin');
  await mkdir(bin);
  for (const name of ['mymachine', 'docker-machine']) await symlink(PROGRAM, join(bin, name));
  for (const name of ['asked', 'recorded', 'default'])
    await user.run(['create', '-d', 'none', '--url', engine.url, name]);
  // As create, start and provision leave it where the engine has answered.
  const record = (name: string) => join(user.store, 'machines', name, 'engine-url');
  await writeFile(record('recorded'), `${RECORDED}\n`, { mode: 0o600 });
  await mkdir(dirname(record('closed')), { recursive: true });
  await writeFile(record('closed'), `${THROUGH_SSH}\n`, { mode: 0o600 });
}, 60_000);
afterAll(async () => {
  await engine.close();
  await user.exec(['rm', '-rf', user.store]);
  await user.remove();
});

interface FunctionShell {
  readonly program: string;
  readonly flags: readonly string[];
  /** The name that shell-init knows it by. */
  readonly name: string;
  /** How the documentation loads the function, M standing for the program. */
  readonly load: string;
  readonly source: string;
  readonly status: string;
  /** Makes it end at the first failure, and no longer. */
  readonly strict: readonly [on: string, off: string];
  /** The prompt's text by itself and in a form of its own; not in tcsh. */
  readonly prompt?: readonly [plain: string, formed: string];
}

const posix = {
  load: 'eval "$(M)"',
  source: '.',
  status: '$?',
  strict: ['set -eu', 'set +eu'],
  prompt: ['"$(mymachine_ps1)"', `"$(mymachine_ps1 '%s>')"`],
} as const;
const shells: readonly FunctionShell[] = [
  { ...posix, program: 'bash', flags: ['--norc'], name: 'bash' },
  { ...posix, program: 'zsh', flags: ['-f'], name: 'zsh' },
  { ...posix, program: 'dash', flags: [], name: 'sh' },
  { ...posix, program: 'mksh', flags: [], name: 'sh' },
  { ...posix, program: 'busybox', flags: ['sh'], name: 'sh' },
  {
    program: 'fish',
    flags: ['--no-config'],
    name: 'fish',
    load: 'M | source',
    source: 'source',
    status: '$status',
    strict: ['', ''],
    prompt: ['"x"(mymachine_ps1)', `(mymachine_ps1 '%s>')`],
  },
  {
    program: 'tcsh',
    flags: ['-f'],
    name: 'tcsh',
    load: 'eval "`M`"',
    source: 'source',
    status: '$status',
    strict: ['', ''],
  },
];

type Environment = Readonly<Record<string, string>>;

/**
 * Runs lines of a script; undefined where the shell is not
 * installed. `dump` in a line's place gives the environment there.
 */
async function run(shell: FunctionShell, lines: readonly string[], env: Environment = {}) {
  // tcsh reads a file line by line, and knows an alias from the next line on.
  const file = join(user.home, `script-${shell.program}`);
  const dump = 'echo "<<<"; env -0; echo ">>>"';
  await writeFile(file, lines.map((line) => `${line === 'dump' ? dump : line}\n`).join(''));
  const PATH = `${bin}${delimiter}${process.env['PATH'] ?? ''}`;
  try {
    const argv = [shell.program, ...shell.flags, file];
    const { stdout, stderr } = await user.exec(argv, { env: { PATH, LC_ALL: 'C.UTF-8', ...env } });
    const found = [...stdout.matchAll(/<<<\n([\s\S]*?)>>>\n/g)].map(([, text = '']): Environment => {
      const entries = text.split('\0').map((entry) => entry.split(/=([\s\S]*)/, 2));
      return Object.fromEntries(entries);
    });
    return { stdout: stdout.replace(/<<<\n[\s\S]*?>>>\n/g, '<environment>\n'), stderr, found };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    console.log(`Not tried: ${shell.program} is not installed here.`);
    return undefined;
  }
}

const switched = (name: string, url: string) => ({
  DOCKER_TLS_VERIFY: '1',
  DOCKER_HOST: url,
  DOCKER_CERT_PATH: join(user.store, 'machines', name),
  DOCKER_MACHINE_NAME: name,
});

for (const shell of shells) {
  const [strict, loose] = shell.strict;
  const said = `echo "status ${shell.status}"`;

  describe(`the function in ${shell.program}`, () => {
    test('switches to a machine and back, and says nothing where there is nothing to say', async () => {
      const result = await run(shell, [
        shell.load.replace('M', `mymachine shell-init ${shell.name}`),
        strict,
        'mymachine use asked',
        'dump',
        'mymachine use --unset',
        'mymachine use -u',
        'dump',
        'mymachine use recorded',
        'dump',
        'mymachine use --check recorded',
        'dump',
        loose,
        'mymachine use nobody',
        said,
        'dump',
      ]);
      if (result === undefined) return;
      const [asked, back = {}, recorded, checked, kept] = result.found;
      expect(asked, result.stderr).toMatchObject(switched('asked', engine.url));
      expect(Object.keys(back).filter((name) => variables.includes(name))).toEqual([]);
      // tcsh has no way to read a line of a file into a variable but a process, and so asks.
      const atOnce = shell.program === 'tcsh' ? engine.url : RECORDED;
      expect(recorded).toMatchObject(switched('recorded', atOnce));
      expect(checked).toMatchObject(switched('recorded', engine.url));
      expect(kept).toMatchObject(switched('recorded', engine.url));
      expect(result.stderr).toMatch(/^Docker machine "nobody" does not exist\..*\n.*\n$/);
      expect(result.stdout).toBe(`${'<environment>\n'.repeat(4)}status 1\n<environment>\n`);
    });

    // tcsh always asks the program.
    test.skipIf(shell.program === 'tcsh')(
      'takes the certificates of another away for one on record that has none',
      async () => {
        const load = shell.load.replace('M', `mymachine shell-init ${shell.name}`);
        const uses = [
          'mymachine use recorded',
          'mymachine use closed',
          'dump',
          'mymachine use closed',
          'dump',
        ];
        const result = await run(shell, [load, strict, ...uses]);
        if (result === undefined) return;
        expect(result.found).toHaveLength(2);
        for (const found of result.found) {
          expect(found).toMatchObject({ DOCKER_HOST: THROUGH_SSH, DOCKER_MACHINE_NAME: 'closed' });
          expect(found).not.toHaveProperty('DOCKER_TLS_VERIFY');
          expect(found).not.toHaveProperty('DOCKER_CERT_PATH');
        }
        expect(result.stderr).toBe('');
      },
    );

    test('hands all else on as it is with its status, by the name that the program was called by', async () => {
      const text = join(user.home, `text-${shell.program}`);
      const loaded = await user.exec([join(bin, 'docker-machine'), 'shell-init', shell.name], {
        env: { PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` },
      });
      await writeFile(text, loaded.stdout);
      const result = await run(shell, [
        `${shell.source} ${text}`,
        `docker-machine status 'a b' '$x' '*'`,
        said,
        'docker-machine',
        'docker-machine ls -q',
        'docker-machine use',
        'dump',
      ]);
      if (result === undefined) return;
      expect(result.stderr).toContain('Error: Expected one machine name as an argument');
      expect(result.stdout).toMatch(/^status 1\nUsage: docker-machine \[OPTIONS\] COMMAND/);
      expect(result.stdout).toMatch(/\nasked\ndefault\nrecorded\n<environment>\n$/);
      expect(result.found[0]).toMatchObject(switched('default', engine.url));
    });

    test('stays with a store that it was loaded for, and shows the machine in a prompt', async () => {
      const elsewhere = join(user.home, "o'ther $tore");
      await mkdir(join(elsewhere, 'machines', 'only'), { recursive: true });
      await writeFile(join(elsewhere, 'machines', 'only', 'engine-url'), `${RECORDED}\n`);
      const text = join(user.home, `text-${shell.program}`);
      await writeFile(text, (await user.run(['-s', elsewhere, 'shell-init', shell.name])).stdout);
      const [plain, formed] = shell.prompt ?? ['', ''];
      const result = await run(
        shell,
        shell.program === 'tcsh'
          ? [`source ${text}`, 'mymachine ls -q']
          : [
              `${shell.source} ${text}`,
              strict,
              `echo ${plain}`,
              'mymachine use only',
              `echo ${formed}`,
              'dump',
            ],
      );
      if (result === undefined) return;
      if (shell.program === 'tcsh') expect(result.stdout).toBe('');
      else expect(result.found[0]?.['DOCKER_CERT_PATH']).toBe(join(elsewhere, 'machines', 'only'));
      if (shell.prompt !== undefined) expect(result.stdout).toBe('\nonly>\n<environment>\n');
      expect(result.stderr).toBe('');
    });
  });
}

describe('a switch to an address on record', () => {
  // printf is a program of its own to mksh.
  for (const shell of shells.filter(({ program }) => program !== 'tcsh' && program !== 'mksh')) {
    test(`starts no process in ${shell.program}, neither does the prompt`, async () => {
      const text = join(user.home, `function-${shell.program}`);
      await writeFile(text, (await user.run(['shell-init', shell.name])).stdout);
      const script = `${shell.source} ${text}\nmymachine use recorded\nmymachine_ps1\nmymachine use -u\n`;
      const file = join(user.home, `traced-${shell.program}`);
      const trace = join(user.home, `trace-${shell.program}`);
      const traced = ['strace', '-f', '-o', trace, '-e', 'trace=execve,fork,vfork,clone,clone3'];
      // A first run without the switch tells what the shell
      // does by itself (fish has a thread of its own).
      const count = async (lines: string) => {
        await writeFile(file, lines);
        const { stdout } = await user.exec([...traced, shell.program, ...shell.flags, file]);
        const calls = (await user.exec(['cat', trace])).stdout.match(
          /(execve|fork|vfork)\(|clone3?\((?!.*CLONE_THREAD)/g,
        );
        return { calls: calls?.length ?? 0, stdout };
      };
      try {
        // strace itself ends with 1 where there is no such shell.
        await user.exec([shell.program, ...shell.flags, '/dev/null']);
        const bare = await count(`${shell.source} ${text}\n`);
        const full = await count(script);
        expect(full.stdout).toBe(' [recorded]');
        expect(full.calls).toBe(bare.calls);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        console.log(`Not tried: strace or ${shell.program} is not installed here.`);
      }
    });
  }
});

describe('use without the function', () => {
  test('says how to load it, for the shell that called, and ends with 1', async () => {
    for (const [shell, flags, line] of [
      ['bash', ['--norc'], `eval "$(mymachine shell-init bash)"`],
      ['fish', ['--no-config'], 'mymachine shell-init fish | source'],
      ['tcsh', ['-f'], 'eval "`mymachine shell-init tcsh`"'],
    ] as const) {
      const env = { PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`, SHELL: `/bin/${shell}` };
      const said = await user
        .exec([shell, ...flags, '-c', 'mymachine use h1'], { env })
        .catch(() => undefined);
      if (said === undefined) continue;
      expect(said).toMatchObject({ code: 1, stdout: '' });
      expect(said.stderr).toContain(`Hint: Load it with \`${line}\`. `);
    }
  });

  test('is refused for a shell that none is made for', async () => {
    const refused = await user.run(['shell-init', 'nushell']);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('There is no function for the shell nushell');
  });
});
