import { spawnSync } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Commit, commitInstructions } from '../../../../src/provision/plan/commit.ts';
import engineLibrary from '../../../../src/provision/scripts/engine-library.sh';
import library from '../../../../src/provision/scripts/library.sh';
import { commitProgram, instructionText } from '../../../../src/provision/scripts/programs.ts';

let host = '';
beforeEach(async () => {
  host = await mkdtemp(join(tmpdir(), 'mm-commit-'));
  for (const dir of ['etc/docker', 'var/lib', 'run']) await mkdir(join(host, dir), { recursive: true });
});
afterEach(() => rm(host, { recursive: true, force: true }));

/** A script with its host in a folder of ours. */
const inside = (script: string) =>
  script.replace(/\/(etc\/docker|var\/lib\/mymachine|run\/mymachine)/g, `${host}/$1`);

const nothing: Commit = {
  expect: 'none',
  files: [],
  removals: [],
  hostname: undefined,
  units: false,
  effect: 'none',
  enable: undefined,
  port: 0,
  beforehand: undefined,
  afterwards: undefined,
  mode: 'keep',
};

function commit(changes: Partial<Commit>): void {
  const input = instructionText(commitInstructions({ ...nothing, ...changes }));
  const ran = spawnSync('sh', ['-c', inside(commitProgram)], { input, encoding: 'utf8' });
  expect(ran.stdout, ran.stderr).toContain('status ok');
}

const stand = async (path: string) => {
  const { mode, uid, gid } = await stat(path);
  return `${(mode & 0o7777).toString(8)} ${uid}:${gid} ${await readFile(path, 'utf8')}`;
};

/** Who may give files away gives it to a group. */
const group = process.getuid?.() === 0 ? 12 : (process.getgid?.() ?? 0);

test('a file whose mode is kept goes on being readable for those alone who could read it', async () => {
  const path = join(host, 'etc/docker/daemon.json');
  await writeFile(path, '{"proxies": {"http-proxy": "http://user:secret@proxy"}}');
  await chown(path, process.getuid?.() ?? 0, group);
  await chmod(path, 0o640);
  const before = await stat(path);
  commit({ files: [{ path, mode: 'keep', content: 'new' }] });
  expect(await stand(path)).toBe(`640 ${before.uid}:${group} new`);
  commit({ files: [{ path, mode: 'keep', content: 'meanwhile' }], inTheEnd: 'in the end' });
  expect(await stand(path)).toBe(`640 ${before.uid}:${group} in the end`);
  expect(await readdir(join(host, 'etc/docker'))).toEqual(['daemon.json']);
});

test('where there was no such file, everybody may read it, as the engine has it itself', async () => {
  const path = join(host, 'etc/docker/daemon.json');
  commit({ files: [{ path, mode: 'keep', content: 'new' }] });
  expect(await stand(path)).toMatch(/^644 .* new$/);
});

test('what is written at once is at no time readable for others', () => {
  const script = `${inside(library + engineLibrary)}
    decode() { printf %s "$1" | base64 -d; stat -c %a ${host}/etc/docker/daemon.json.mymachine-now >&2; }
    : >${host}/etc/docker/daemon.json; chmod 600 ${host}/etc/docker/daemon.json
    write_daemon_json bmV3; stat -c %a ${host}/etc/docker/daemon.json; umask`;
  const ran = spawnSync('sh', ['-c', `umask 022\n${script}`], { encoding: 'utf8' });
  expect(ran.stderr).toBe('600\n');
  expect(ran.stdout).toBe('600\n0022\n');
});
