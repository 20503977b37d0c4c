import { chmod, chown, lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type GuestEntry, type GuestIdentity, guestFiles } from './guest-files.ts';

/**
 * Lays out the folder of a machine that has never booted.
 * It has the upper layer with the machine's own files, and the places where the supervisor mounts.
 * What a run that was cut off left is deleted first.
 */
export async function writeGuest(
  folder: string,
  rootDir: string,
  guest: Omit<GuestIdentity, 'accounts' | 'skeleton'>,
): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  for (const name of ['upper', 'work', 'lower', 'root', 'docker', 'containerd']) {
    await mkdir(join(folder, name), { recursive: true, mode: 0o755 });
  }
  await chmod(folder, 0o700);
  const etc = (name: string) => readFile(join(rootDir, 'etc', name), 'utf8');
  const entries = guestFiles({
    ...guest,
    accounts: { passwd: await etc('passwd'), shadow: await etc('shadow'), group: await etc('group') },
    skeleton: await readSkeleton(join(rootDir, 'etc/skel')),
  });
  const upper = join(folder, 'upper');
  await chmod(upper, 0o755);
  for (const [path, entry] of entries) await writeEntry(upper, rootDir, path, entry);
}

async function readSkeleton(folder: string): Promise<Readonly<Record<string, string>>> {
  const names = await readdir(folder).catch(() => []);
  const files = await Promise.all(
    names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const),
  );
  return Object.fromEntries(files);
}

async function writeEntry(upper: string, rootDir: string, path: string, entry: GuestEntry): Promise<void> {
  const target = join(upper, path);
  await copyParents(upper, rootDir, dirname(path));
  if (entry.kind === 'folder') await mkdir(target, { recursive: true });
  else await writeFile(target, entry.content, { mode: entry.mode & 0o700 });
  // An overlay shows the upper file's owner. A file that replaces one keeps that one's.
  const below = await lstat(join(rootDir, path)).catch(() => undefined);
  await chown(target, entry.owner?.uid ?? below?.uid ?? 0, entry.owner?.gid ?? below?.gid ?? 0);
  await chmod(target, entry.mode);
}

/** A folder of the upper layer hides the one below, so it takes over that one's mode and owner. */
async function copyParents(upper: string, rootDir: string, path: string): Promise<void> {
  if (path === '.') return;
  await copyParents(upper, rootDir, dirname(path));
  const target = join(upper, path);
  if ((await lstat(target).catch(() => undefined)) !== undefined) return;
  const below = await lstat(join(rootDir, path)).catch(() => undefined);
  await mkdir(target);
  await chmod(target, (below?.mode ?? 0o755) & 0o7777);
  await chown(target, below?.uid ?? 0, below?.gid ?? 0);
}
