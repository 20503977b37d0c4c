import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newUser, type User } from './user.ts';

export interface LifecycleOptions {
  readonly title: string;
  /** Who makes it; a user with nothing special when left out. */
  readonly user?: () => Promise<User>;
  /** Prepares what the machine is made on, and gives the arguments of its create. */
  readonly prepare: () => Promise<readonly string[]>;
  /** Whether it can be started, stopped and killed; otherwise that is refused. */
  readonly switchable: boolean;
  /** Arguments of its rm. */
  readonly removal: readonly string[];
  /** What of the machine is left after rm; a line each. */
  readonly leftovers: (user: User, ids: readonly string[]) => Promise<readonly string[]>;
  /**
   * What is to be seen of it beyond what all machines
   * have in common; looked at when it has just been made.
   */
  readonly checks?: (user: User) => Promise<void>;
  readonly beforeRemoval?: (user: User) => Promise<void>;
  readonly after?: () => Promise<void>;
}

const NAME = 'host1';

/**
 * A machine's whole life, as its user sees it. The
 * same for every driver that makes or adopts a host.
 */
export function describeMachineLifecycle(options: LifecycleOptions): void {
  describe(options.title, () => {
    let user: User;
    let id = '';

    beforeAll(async () => {
      user = await (options.user ?? newUser)();
      await user.must(['create', ...(await options.prepare()), NAME]);
      const meta = await readFile(join(user.sandbox.store, 'machines', NAME, 'mymachine.json'), 'utf8');
      id = JSON.parse(meta).id;
      await user.importImage(NAME);
    });

    afterAll(async () => {
      await user.mymachine(['rm', '-f', NAME]);
      await options.after?.();
      await user.sandbox.remove();
    });

    test.runIf(options.checks !== undefined)('it is as it was asked for', async () => {
      await options.checks?.(user);
    });

    const running = () => user.docker(NAME, `inspect --format '{{.State.Pid}} {{.State.StartedAt}}' keeper`);

    test.each(['bash', 'dash', 'zsh', 'fish'])('env switches the docker client of %s', async (shell) => {
      const evaluate = shell === 'fish' ? `eval (mymachine env ${NAME})` : `eval "$(mymachine env ${NAME})"`;
      const outcome = await user.shell(
        shell,
        `${evaluate}; docker version --format '{{.Server.Version}}'; docker run --rm box echo works; docker ps -q`,
      );
      expect(outcome.stderr).toBe('');
      expect(outcome.stdout).toMatch(/^\d+\.\d+\.\d+\S*\nworks\n$/);
    });

    test('use switches to where its engine answered, which is on record for its user alone', async () => {
      const record = join(user.sandbox.store, 'machines', NAME, 'engine-url');
      expect(await readFile(record, 'utf8')).toBe(await user.must(['url', NAME]));
      expect((await stat(record)).mode & 0o777).toBe(0o600);
      const outcome = await user.shell(
        'bash',
        `eval "$(mymachine shell-init bash)"; mymachine use ${NAME}; docker version --format '{{.Server.Version}}'`,
      );
      expect(outcome).toMatchObject({ stderr: '', stdout: expect.stringMatching(/^\d+\.\d+/) });
    });

    test('ls shows it with its version, and the star where DOCKER_HOST points to it', async () => {
      const url = (await user.must(['url', NAME])).trim();
      const version = (await user.must(['version', NAME])).trim();
      const listed = await user.must(['ls'], { env: { DOCKER_HOST: url } });
      const row = listed.split('\n').find((line) => line.startsWith(NAME)) ?? '';
      expect(row.split(/\s+/).slice(1, 2)).toEqual(['*']);
      expect(row).toContain(` Running   ${url} `);
      expect(row.trimEnd().endsWith(`v${version}`)).toBe(true);
      expect(await user.must(['active'], { env: { DOCKER_HOST: url } })).toBe(`${NAME}\n`);
    });

    test('ssh carries the command, its output, exit status and stdin', async () => {
      const outcome = await user.mymachine(['ssh', NAME, 'cat; echo apart >&2; exit 7'], {
        input: 'through stdin',
      });
      expect(outcome).toMatchObject({ code: 7, stdout: 'through stdin' });
      expect(outcome.stderr).toContain('apart');
      const native = await user.mymachine(['--native-ssh', 'ssh', NAME, 'cat; exit 9'], {
        input: 'natively',
      });
      expect(native).toMatchObject({ code: 9, stdout: 'natively' });
    });

    test('ssh gives a pseudo-terminal where it is asked for one', async () => {
      const outcome = await user.shell(
        'bash',
        `script -qec "mymachine ssh ${NAME} -t tty" /dev/null </dev/null`,
      );
      expect(outcome.stdout).toMatch(/\/dev\/pts\/\d+/);
    });

    test('scp copies files and folders both ways', async () => {
      const { home } = user.sandbox;
      const folder = join(home, 'to copy');
      await mkdir(join(folder, 'deep'), { recursive: true });
      await writeFile(join(folder, 'deep', 'a file'), 'content\0of any kind');
      await user.must(['scp', '-q', '-r', folder, `${NAME}:/tmp/copied`]);
      await user.must(['scp', '-q', '-r', `${NAME}:/tmp/copied`, join(home, 'back')]);
      expect(await readFile(join(home, 'back', 'deep', 'a file'), 'utf8')).toBe('content\0of any kind');
      await user.must(['--native-ssh', 'scp', '-r', `${NAME}:/tmp/copied`, join(home, 'natively')]);
      expect(await readFile(join(home, 'natively', 'deep', 'a file'), 'utf8')).toBe('content\0of any kind');
    });

    test('its keys and records are for its user alone', async () => {
      const folder = join(user.sandbox.store, 'machines', NAME);
      expect((await stat(folder)).mode & 0o777).toBe(0o700);
      for (const file of await readdir(folder)) {
        if (!/key|config\.json|mymachine\.json|known_hosts|^id_/.test(file) || file.endsWith('.pub'))
          continue;
        expect((await stat(join(folder, file))).mode & 0o077, file).toBe(0);
      }
    });

    test('a container keeps running through provision and regenerate-certs, and the new certificate serves', async () => {
      await user.docker(NAME, 'run -d --name keeper box sleep 100000');
      const before = await running();
      expect(await user.must(['provision', NAME])).toContain('nothing had to be changed');
      const old = await readFile(join(user.sandbox.store, 'machines', NAME, 'server.pem'), 'utf8');
      await user.must(['regenerate-certs', '-f', NAME]);
      expect(await readFile(join(user.sandbox.store, 'machines', NAME, 'server.pem'), 'utf8')).not.toBe(old);
      expect(await running()).toBe(before);
    });

    if (options.switchable) {
      test('stop, start, restart and kill do what they say, and the certificates stay valid', async () => {
        const url = await user.must(['url', NAME]);
        expect(await user.mymachine(['stop', NAME])).toMatchObject({
          code: 0,
          stderr: expect.not.stringContaining('switching it off'),
        });
        expect(await readdir(join(user.sandbox.store, 'machines', NAME))).not.toContain('engine-url');
        expect(await user.must(['status', NAME])).toBe('Stopped\n');
        expect(await user.mymachine(['stop', NAME])).toMatchObject({
          code: 1,
          stderr: expect.stringContaining(`Machine "${NAME}" is already stopped.`),
        });
        expect(await user.mymachine(['env', '--shell', 'bash', NAME])).toMatchObject({
          code: 1,
          stdout: '',
          stderr: expect.stringContaining('Host is not running'),
        });
        await user.must(['start', NAME]);
        expect(await user.must(['url', NAME])).toBe(url);
        expect(await user.docker(NAME, 'images -q box')).not.toBe('');
        await user.must(['restart', NAME]);
        expect(await user.docker(NAME, 'images -q box')).not.toBe('');
        await user.must(['kill', NAME]);
        expect(await user.must(['status', NAME])).toBe('Stopped\n');
        await user.must(['start', NAME]);
        expect(await user.docker(NAME, 'images -q box')).not.toBe('');
      });
    } else {
      test('a host that is not ours to switch is not switched', async () => {
        for (const verb of ['stop', 'kill']) {
          const refused = await user.mymachine([verb, NAME]);
          expect(refused).toMatchObject({
            code: 1,
            stderr: expect.stringContaining(`driver does not support ${verb}`),
          });
        }
        expect(await user.must(['status', NAME])).toBe('Running\n');
      });

      test('restart reboots it over SSH, and the engine is back', async () => {
        const boot = () => user.must(['ssh', NAME, 'cat /proc/1/stat | cut -d " " -f 22']);
        const before = await boot();
        await user.must(['restart', NAME]);
        expect(await boot()).not.toBe(before);
        expect(await user.docker(NAME, 'images -q box')).not.toBe('');
      });
    }

    test('rm leaves nothing of it', async () => {
      await options.beforeRemoval?.(user);
      await user.must(['rm', ...options.removal, NAME]);
      expect(await user.must(['ls', '-q'])).toBe('');
      const machines = join(user.sandbox.store, 'machines');
      expect(await readdir(machines)).toEqual([]);
      expect(await options.leftovers(user, [id])).toEqual([]);
    });
  });
}
