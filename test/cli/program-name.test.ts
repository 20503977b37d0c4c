import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROGRAM, Sandbox } from './program.ts';

describe('how the program is called', () => {
  let user: Sandbox;
  let link: string;
  beforeAll(async () => {
    user = await Sandbox.make();
    link = join(user.home, 'docker-machine');
    await symlink(PROGRAM, link);
  });
  afterAll(() => user.remove());

  it('under a link called docker-machine it speaks of docker-machine', async () => {
    const { stdout } = await user.exec([link, 'version']);
    expect(stdout).toMatch(/^docker-machine version \d/);
    const help = await user.exec([link, '--help']);
    expect(help.stdout).toContain('docker-machine [OPTIONS] COMMAND');
  });

  it('what it says to type is how it was called: by its path, or by its name when PATH has it', async () => {
    const byPath = await user.exec([link, 'env', '--unset', '--shell', 'bash']);
    expect(byPath.stdout).toContain(`# eval $(${link} env --unset --shell bash)`);
    const PATH = `${user.home}:${process.env['PATH']}`;
    const byName = await user.exec(['docker-machine', 'env', '--unset', '--shell', 'bash'], {
      env: { PATH },
    });
    expect(byName.stdout).toContain('# eval $(docker-machine env --unset --shell bash)');
  });

  it('what it says to type is its path where PATH leads to another program of that name', async () => {
    const other = join(user.home, 'other');
    await mkdir(other);
    await writeFile(join(other, 'docker-machine'), '#!/bin/sh\necho another\n', { mode: 0o755 });
    const argv = [link, 'env', '--unset', '--shell', 'bash'];
    const { stdout } = await user.exec(argv, { env: { PATH: `${other}:${process.env['PATH']}` } });
    expect(stdout).toContain(`# eval $(${link} env --unset --shell bash)`);
    await symlink(PROGRAM, join(user.home, 'mymachine'));
    const same = { env: { PATH: `${user.home}:${process.env['PATH']}` } };
    const byPath = await user.exec(argv, same);
    expect(byPath.stdout).toContain('# eval $(docker-machine env --unset --shell bash)');
  });

  it('takes no settings from the folder it is run in', async () => {
    await writeFile(join(user.home, '.env'), 'MACHINE_DEBUG=1\nMACHINE_STORAGE_PATH=/nowhere\n');
    await writeFile(join(user.home, 'bunfig.toml'), 'preload = ["./evil.ts"]\n');
    await writeFile(join(user.home, 'evil.ts'), 'console.log("evil");\n');
    const { stdout, stderr } = await user.run(['ls', '-q']);
    expect([stdout, stderr]).toEqual(['', '']);
    const made = await user.run(['create', '-d', 'none', '--url', 'tcp://127.0.0.1:2376', 'here']);
    expect(made.code).toBe(0);
    expect((await user.run(['ls', '-q'])).stdout).toBe('here\n');
    expect(await user.exec(['ls', user.store])).toMatchObject({ code: 0 });
  });
});
