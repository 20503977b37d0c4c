import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { identify } from '../../src/base/process-identity.ts';
import { Sandbox } from '../cli/program.ts';
import { testPorts } from '../testbed/ports.ts';

// Real file systems of a few hundred kilobytes: mounting them needs root.
let mountPoint = '';
let user: Sandbox;

async function must(...argv: [string, ...string[]]): Promise<void> {
  const result = await testPorts().programs.run(argv);
  expect(result, `${argv.join(' ')}: ${result.stderr}`).toMatchObject({ exitCode: 0 });
}

beforeEach(async () => {
  mountPoint = await mkdtemp('/var/tmp/mymachine-small-');
  await must('mount', '-t', 'tmpfs', '-o', 'size=256k,mode=0700', 'none', mountPoint);
  user = await Sandbox.make({ MACHINE_STORAGE_PATH: join(mountPoint, 'store') });
});

afterEach(async () => {
  await must('umount', mountPoint);
  await rm(mountPoint, { recursive: true });
  await user.remove();
});

/** Fills the file system to its last block. Gives the file that does. */
async function fill(): Promise<string> {
  const ballast = join(mountPoint, 'ballast');
  await writeFile(ballast, Buffer.alloc(1_000_000)).catch(() => undefined);
  return ballast;
}

const create = (name: string) => user.run(['create', '-d', 'none', '-url=tcp://127.0.0.1:1', name]);

test('on a read-only store nothing changes, and reading goes on', async () => {
  expect((await create('h1')).code).toBe(0);
  await must('mount', '-o', 'remount,ro', mountPoint);
  for (const args of [
    ['create', '-d', 'none', '-url=tcp://127.0.0.1:1', 'h2'],
    ['rm', '-y', 'h1'],
  ]) {
    const refused = await user.run(args);
    expect(refused.code, args.join(' ')).toBe(1);
    expect(refused.stderr).toContain('read-only');
    expect(refused.stderr).toContain('MM_STORE_READ_ONLY');
    expect(refused.stderr).toContain('--storage-path');
  }
  expect(await user.run(['ls', '-q'])).toMatchObject({ code: 0, stdout: 'h1\n' });
  expect(await user.run(['ip', 'h1'])).toMatchObject({ code: 0, stdout: '127.0.0.1\n' });
  expect(await user.run(['inspect', 'h1'])).toMatchObject({ code: 0 });
});

test('on a full disk a machine can be removed, whatever its record and whoever died with its lock', async () => {
  for (const name of ['h1', 'h2', 'h3', 'old']) expect((await create(name)).code).toBe(0);
  const record = join(user.store, 'machines', 'old', 'config.json');
  await writeFile(
    record,
    (await readFile(record, 'utf8')).replace('"ConfigVersion": 3', '"ConfigVersion": 2'),
  );
  const dead = { pid: 1, started: '1', place: 'x boot ns x', token: 't', command: 'x', since: 'then' };
  const self = await identify(process.pid);
  const held = JSON.stringify({ ...dead, ...self, started: '1' });
  await writeFile(join(user.store, '.locks', 'machine-h3'), held);
  await fill();
  for (const args of [
    ['-y', 'h1'],
    ['-f', 'h2'],
    ['-y', 'h3', 'old'],
  ]) {
    const removed = await user.run(['rm', ...args]);
    expect(removed, removed.stderr).toMatchObject({ code: 0 });
  }
  expect(await user.run(['ls', '-q'])).toMatchObject({ code: 0, stdout: '' });
  expect(await readdir(join(user.store, '.locks'))).toEqual([]);
});

test('preferences that cannot be written are an error of the store, with its remedy', async () => {
  const env = { XDG_CONFIG_HOME: mountPoint };
  expect(await user.run(['prefs', 'set', 'driver', 'none'], { env })).toMatchObject({ code: 0 });
  const ballast = await fill();
  for (const args of [
    ['set', 'engine-label', 'a=b'],
    ['unset', 'driver'],
  ]) {
    const full = await user.run(['prefs', ...args], { env });
    expect(full.code, full.stderr).toBe(1);
    expect(full.stderr).toMatch(/Hint: [\s\S]*MM_STORE_FULL/);
  }
  await rm(ballast);
  await must('mount', '-o', 'remount,ro', mountPoint);
  const refused = await user.run(['prefs', 'unset', 'driver'], { env });
  expect(refused.code, refused.stderr).toBe(1);
  expect(refused.stderr).toMatch(/Hint: [\s\S]*MM_STORE_READ_ONLY/);
  expect((await user.run(['prefs'], { env })).stdout).toContain('none');
});

test('rm -f that removed nothing does not end well', async () => {
  expect((await create('h1')).code).toBe(0);
  await must('mount', '-o', 'remount,ro', mountPoint);
  const refused = await user.run(['rm', '-f', 'h1']);
  expect(refused.code, refused.stderr).toBe(1);
  expect(refused.stderr).toContain('MM_STORE_READ_ONLY');
  expect((await user.run(['ls', '-q'])).stdout).toBe('h1\n');
});

test('on a full disk a create says so, leaves nothing half-written, and works when there is room again', async () => {
  expect((await create('h1')).code).toBe(0);
  const ballast = await fill();
  const refused = await create('h2');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('no space left');
  expect(refused.stderr).toContain('MM_STORE_FULL');
  expect(await readdir(join(user.store, 'machines'))).toEqual(['h1']);
  expect(await user.run(['ls', '-q'])).toMatchObject({ code: 0, stdout: 'h1\n' });
  await rm(ballast);
  expect((await create('h2')).code).toBe(0);
  expect((await user.run(['ls', '-q'])).stdout).toBe('h1\nh2\n');
});
