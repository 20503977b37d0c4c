import { mkdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { refreshSshConfig, sshConfigKnows } from '../../../src/machine/engine/last-address.ts';
import { UserStore } from './user-store.ts';

let user: UserStore;
beforeEach(async () => {
  user = await UserStore.make();
});
afterEach(() => user.remove());

const path = () => join(user.root, 'ssh_config');
const text = () => readFile(path(), 'utf8');
const hosts = async () => [...(await text()).matchAll(/^Host (.*)$/gm)].map(([, host]) => host);

/** A machine whose engine answered there, so many seconds after the others began. */
async function answered(name: string, url: string, second = 0, keyPath = '/keys/id_ed25519') {
  const machine = await user.addMachine(name);
  await machine.saveConfig({ Driver: { ...machine.config.Driver, SSHKeyPath: keyPath } });
  const record = user.deps.store.paths.engineUrl(name);
  await writeFile(record, `${url}\n`);
  await utimes(record, 1_000_000 + second, 1_000_000 + second);
  return machine;
}

it('has a block for each machine that answered through SSH, and for no other, readable for its user alone', async () => {
  const a = await answered('a', 'ssh://ubuntu@192.0.2.1');
  await answered('b', 'ssh://admin@[2001:db8::1]:2222');
  await answered('c', 'tcp://192.0.2.3:2376');
  await user.addMachine('d');
  await refreshSshConfig(user.deps);
  expect((await hosts()).sort()).toEqual(['192.0.2.1', '2001:db8::1']);
  expect(await text()).toContain(`  UserKnownHostsFile ${user.deps.store.paths.knownHosts('b')}\n`);
  expect(await text()).toContain('  User admin\n  Port 2222\n  HostKeyAlias b\n');
  expect((await stat(path())).mode & 0o777).toBe(0o600);
  expect(await sshConfigKnows(a, 'ssh://ubuntu@192.0.2.1')).toBe(true);
  expect(await sshConfigKnows(a, 'ssh://ubuntu@192.0.2.2')).toBe(false);
  expect(await sshConfigKnows(a, 'tcp://192.0.2.1:2376')).toBe(false);
});

it('takes the one that answered last for the owner of an address that two have on record', async () => {
  const late = await answered('early-name', 'ssh://ubuntu@192.0.2.1', 2);
  const early = await answered('late-name', 'ssh://ubuntu@192.0.2.1', 1);
  await refreshSshConfig(user.deps);
  expect(await hosts()).toEqual(['192.0.2.1']);
  expect(await sshConfigKnows(late, 'ssh://ubuntu@192.0.2.1')).toBe(true);
  expect(await sshConfigKnows(early, 'ssh://ubuntu@192.0.2.1')).toBe(false);
});

it('leaves out what ssh cannot be told, with a warning, and what cannot be read', async () => {
  await answered('a', 'ssh://ubuntu@192.0.2.1');
  await answered('b', 'ssh://ubuntu@192.0.2.2', 0, '/keys/"quoted"');
  await mkdir(join(user.root, 'machines', 'broken'));
  await writeFile(user.deps.store.paths.config('broken'), '{');
  await writeFile(user.deps.store.paths.engineUrl('broken'), 'ssh://ubuntu@192.0.2.3\n');
  await writeFile(user.deps.store.paths.engineUrl('a'), 'ssh://ubuntu@192.0.2.1\nHost *\n');
  await refreshSshConfig(user.deps);
  await expect(text()).rejects.toThrow('ENOENT');
  expect(user.said.join('\n')).toContain('docker will not find "b" through SSH');
  await writeFile(user.deps.store.paths.engineUrl('a'), 'ssh://ubuntu@192.0.2.1\n');
  await refreshSshConfig(user.deps);
  expect(await hosts()).toEqual(['192.0.2.1']);
});

it('stays valid when a folder has a name that no machine could be given', async () => {
  for (const [index, name] of ['a b', "o'brien", 'two\nHost *', '*'].entries()) {
    await user.addMachine(`m${index}`);
    await writeFile(user.deps.store.paths.engineUrl(`m${index}`), `ssh://ubuntu@192.0.2.${index}\n`);
    const { machine } = user.deps.store.paths;
    await rename(machine(`m${index}`), machine(name));
  }
  await refreshSshConfig(user.deps);
  // A path with a line break cannot be written at all.
  expect((await hosts()).sort()).toEqual(['192.0.2.0', '192.0.2.1', '192.0.2.3']);
  expect(await text()).toContain('  HostKeyAlias machine-612062\n');
  expect(await text()).toContain(`  UserKnownHostsFile "${user.deps.store.paths.knownHosts('a b')}"\n`);
  for (const line of (await text()).split('\n'))
    expect(line).toMatch(/^(#.*|Host [\w.:]+| {2}[A-Za-z]+ ("[^"]*"|[^\s"']*)|)$/);
});

it('is whole whoever writes at the same time, and gone with the last machine', async () => {
  const names = ['a', 'b', 'c', 'd'];
  await Promise.all(
    names.map(async (name, at) => {
      await answered(name, `ssh://ubuntu@192.0.2.${at + 1}`);
      await refreshSshConfig(user.deps);
    }),
  );
  expect(await hosts()).toHaveLength(4);
  for (const name of names) await user.deps.store.remove(name);
  await refreshSshConfig(user.deps);
  await expect(text()).rejects.toThrow('ENOENT');
});
