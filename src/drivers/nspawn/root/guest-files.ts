import { hardwareAddress } from '../network/subnet.ts';
import { type Account, type Accounts, addUser } from './accounts.ts';

/** A file, folder or link that a machine has other than its root file system. */
export type GuestEntry =
  | { readonly kind: 'folder'; readonly mode: number; readonly owner?: Account }
  | { readonly kind: 'file'; readonly mode: number; readonly content: string; readonly owner?: Account };

export interface GuestIdentity {
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
  /** What the root file system has now. */
  readonly accounts: Accounts;
  /** Files of /etc/skel by name. */
  readonly skeleton: Readonly<Record<string, string>>;
}

/** slirp4netns answers names there, with what this computer knows. */
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

/** Everything that makes a root file system this machine, by path in it; parents come before children. */
export function guestFiles(guest: GuestIdentity): ReadonlyMap<string, GuestEntry> {
  const { accounts, account } = addUser(guest.accounts, guest.user);
  const file = (content: string, mode = 0o644): GuestEntry => ({ kind: 'file', mode, content });
  const own = (content: string, mode: number): GuestEntry => ({
    kind: 'file',
    mode,
    content,
    owner: account,
  });
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
