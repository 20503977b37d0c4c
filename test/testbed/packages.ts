import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Argv } from '../../src/base/ports.ts';
import { testPorts } from './ports.ts';
import { testCacheDir } from './testbed.ts';

async function must(argv: Argv, cwd?: string): Promise<string> {
  const result = await testPorts().programs.run(argv, cwd === undefined ? {} : { cwd });
  if (result.exitCode !== 0) throw new Error(`${argv.join(' ')}: ${result.exitCode}\n${result.stderr}`);
  return result.stdout;
}

/**
 * Unpacks a package of this computer's distribution into a new folder, without installing anything.
 */
async function unpack(name: string): Promise<string> {
  await mkdir(testCacheDir, { recursive: true });
  const folder = await mkdtemp(join(testCacheDir, `${name}-`));
  // apt's own user drops its rights and must be able to write there.
  await chmod(folder, 0o777);
  await must(['apt-get', 'download', '-qq', name], folder);
  const archive = (await readdir(folder)).find((file) => file.endsWith('.deb'));
  if (archive === undefined) throw new Error(`apt-get download ${name} left no package`);
  await must(['dpkg-deb', '-x', join(folder, archive), join(folder, 'root')]);
  return folder;
}

async function hasPackage(name: string): Promise<boolean> {
  const result = await testPorts().programs.run(['apt-cache', 'show', '--no-all-versions', name]);
  return result.exitCode === 0 && result.stdout.includes(`Package: ${name}\n`);
}

/**
 * Path of a docker client: the one in PATH, else the
 * distribution's, which is taken out of its package once.
 */
export async function dockerClient(): Promise<string> {
  const own = await testPorts().programs.find('docker');
  if (own !== undefined) return own;
  const cached = join(testCacheDir, 'docker');
  if (existsSync(cached)) return cached;
  const folder = await unpack((await hasPackage('docker-cli')) ? 'docker-cli' : 'docker.io');
  await rename(join(folder, 'root/usr/bin/docker'), cached);
  await rm(folder, { recursive: true });
  return cached;
}

/**
 * Path of a tar that `docker import` makes an image of, since no registry can be reached: busybox,
 * with a link for each of its commands. Its name resolution does not work; use addresses.
 */
export async function busyboxImageTar(): Promise<string> {
  const cached = join(testCacheDir, 'busybox-image.tar');
  if (existsSync(cached)) return cached;
  const folder = await unpack('busybox-static');
  const image = join(folder, 'image');
  for (const name of ['bin', 'etc', 'proc', 'sys', 'tmp', 'root'])
    await mkdir(join(image, name), { recursive: true });
  const places = ['bin/busybox', 'usr/bin/busybox'].map((path) => join(folder, 'root', path));
  const busybox = places.find((path) => existsSync(path));
  if (busybox === undefined) throw new Error('busybox-static has no busybox in it');
  await rename(busybox, join(image, 'bin/busybox'));
  const commands = (await must([join(image, 'bin/busybox'), '--list'])).split('\n').filter(Boolean);
  for (const name of commands) if (name !== 'busybox') await symlink('busybox', join(image, 'bin', name));
  const tar = join(folder, 'image.tar');
  await must(['tar', '--create', '--owner=0', '--group=0', '--file', tar, '-C', image, '.']);
  await rename(tar, cached);
  await rm(folder, { recursive: true });
  return cached;
}
