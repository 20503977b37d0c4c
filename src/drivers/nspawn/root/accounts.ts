/** The files that name users, as they stand in a root file system. */
export interface Accounts {
  readonly passwd: string;
  readonly shadow: string;
  readonly group: string;
}

export interface Account {
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

/**
 * Adds a login user without a password, as useradd does, to data instead of to a running system. A user that is there
 * (root) stays as it is. A group of the user's name becomes its own: the user docker is in the group docker.
 */
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
      // "*" is no password; "!" would lock the account, which sshd without PAM takes for a refusal.
      shadow: append(accounts.shadow, `${name}:*:19700:0:99999:7:::`),
      group: existing === undefined ? append(accounts.group, `${name}:x:${gid}:`) : accounts.group,
    },
  };
}
