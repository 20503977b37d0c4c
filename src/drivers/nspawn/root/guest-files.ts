import { chmod, chown, lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hardwareAddress } from '../network/subnet.ts';

/** The files that name users, as they stand in a root file system. */
interface Accounts {
  readonly passwd: string;
  readonly shadow: string;
  readonly group: string;
}

interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

const FIRST_UID = 1000;

function idOf(table: string, name: string, field: number): number | undefined {
  const line = table.split('\n').find((each) => each.startsWith(`${name}:`));
  const id = Number(line?.split(':')[field]);
  return line === undefined || !Number.isInteger(id) ? undefined : id;
}

function freeId(...tables: readonly string[]): number {
  const used = new Set(
    tables.flatMap((table) => table.split('\n').map((line) => Number(line.split(':')[2]))),
  );
  let id = FIRST_UID;
  while (used.has(id)) id += 1;
  return id;
}

function append(table: string, line: string): string {
  return `${table.replace(/\n*$/, '\n')}${line}\n`;
}

/** Adds a login user without a password, as useradd does. root, which is there, stays as it is. */
export function addUser(accounts: Accounts, name: string): { accounts: Accounts; account: Account } {
  const known = accounts.passwd.split('\n').find((line) => line.startsWith(`${name}:`));
  if (known !== undefined) {
    const [, , uid = '0', gid = '0', , home = '/root'] = known.split(':');
    return { accounts, account: { uid: Number(uid), gid: Number(gid), home } };
  }
  const uid = freeId(accounts.passwd, accounts.group);
  const existing = idOf(accounts.group, name, 2);
  const gid = existing ?? uid;
  const home = `/home/${name}`;
  return {
    account: { uid, gid, home },
    accounts: {
      passwd: append(accounts.passwd, `${name}:x:${uid}:${gid}::${home}:/bin/bash`),
      // "*" is no password. "!" would lock the account, which sshd without PAM refuses.
      shadow: append(accounts.shadow, `${name}:*:19700:0:99999:7:::`),
      group: existing === undefined ? append(accounts.group, `${name}:x:${gid}:`) : accounts.group,
    },
  };
}

/** A file or folder that a machine has other than its root file system. */
type GuestEntry =
  | { readonly kind: 'folder'; readonly mode: number; readonly owner?: Account }
  | { readonly kind: 'file'; readonly mode: number; readonly content: string; readonly owner?: Account };

interface GuestIdentity {
  readonly name: string;
  /** UUID; becomes /etc/machine-id. */
  readonly id: string;
  readonly user: string;
  readonly address: string;
  readonly gateway: string;
  /** One line: `ssh-ed25519 AAAA… comment`. */
  readonly authorizedKey: string;
  readonly hostKey: string;
  readonly hostKeyPublic: string;
  /** As they are in the root file system. */
  readonly accounts: Accounts;
  /** Files of /etc/skel by name. */
  readonly skeleton: Readonly<Record<string, string>>;
}

/** slirp4netns answers queries for names there, by this computer's resolver. */
const RESOLVER = '10.0.2.3';

/** systemd-networkd's file for the container's only interface. */
export function networkFile(address: string, gateway: string): string {
  return `[Match]
Name=host0

[Link]
MACAddress=${hardwareAddress(address)}

[Network]
Address=${address}/24
Gateway=${gateway}
DNS=${RESOLVER}
LLMNR=yes
LinkLocalAddressing=no
IPv6AcceptRA=no
`;
}

/** What makes a root file system this machine, by path in it. Parents come before children. */
export function guestFiles(guest: GuestIdentity): ReadonlyMap<string, GuestEntry> {
  const { accounts, account } = addUser(guest.accounts, guest.user);
  const file = (content: string, mode = 0o644) => ({ kind: 'file', mode, content }) as const;
  const own = (content: string, mode: number) => ({ ...file(content, mode), owner: account });
  const entries = new Map<string, GuestEntry>([
    ['etc/hostname', file(`${guest.name}\n`)],
    [
      'etc/hosts',
      file(
        `127.0.0.1 localhost\n127.0.1.1 ${guest.name}\n::1 localhost ip6-localhost ip6-loopback\nff02::1 ip6-allnodes\nff02::2 ip6-allrouters\n`,
      ),
    ],
    ['etc/machine-id', file(`${guest.id.replaceAll('-', '')}\n`, 0o444)],
    ['etc/systemd/network/10-mymachine.network', file(networkFile(guest.address, guest.gateway))],
    ['etc/ssh/ssh_host_ed25519_key', file(guest.hostKey, 0o600)],
    ['etc/ssh/ssh_host_ed25519_key.pub', file(guest.hostKeyPublic)],
    ['etc/passwd', file(accounts.passwd)],
    ['etc/group', file(accounts.group)],
    ['etc/shadow', file(accounts.shadow, 0o640)],
  ]);
  const home = account.home.slice(1);
  if (account.uid !== 0) {
    entries.set('etc/sudoers.d/90-mymachine', file(`${guest.user} ALL=(ALL) NOPASSWD:ALL\n`, 0o440));
    entries.set(home, { kind: 'folder', mode: 0o755, owner: account });
    for (const [name, content] of Object.entries(guest.skeleton))
      entries.set(`${home}/${name}`, own(content, 0o644));
  }
  entries.set(`${home}/.ssh`, { kind: 'folder', mode: 0o700, owner: account });
  entries.set(`${home}/.ssh/authorized_keys`, own(`${guest.authorizedKey.trim()}\n`, 0o600));
  return entries;
}

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
