import { rm, stat } from 'node:fs/promises';
import { readText } from '../../base/files.ts';
import { messageOf } from '../../base/machine-error.ts';
import type { SshTarget } from '../../ssh/contract.ts';
import { hostBlock } from '../../ssh/system/openssh.ts';
import { hostKeyAliasOf, parseSshUrl } from '../../ssh/target.ts';
import { writeStoreFile } from '../../store/files.ts';
import type { StoredMachine } from '../../store/store.ts';
import type { MachineDeps } from '../deps.ts';
import { keyPathOf, knownDriver } from '../load.ts';
import type { Machine } from '../machine.ts';

const HEADER =
  '# Written by mymachine, and again whenever it changes: the machines whose engines docker reaches through SSH.\n';

interface Reached {
  readonly target: SshTarget;
  /** When the engine answered there last, in milliseconds since the epoch. */
  readonly at: number;
}

/** How to log in where the URL says; undefined when it is none of SSH. No provider is asked. */
async function targetAt(
  url: string,
  deps: MachineDeps,
  { name, config }: Omit<StoredMachine, 'meta'>,
): Promise<SshTarget | undefined> {
  const login = parseSshUrl(url);
  if (login === undefined) return undefined;
  const { paths } = deps.store;
  const driver = await knownDriver(deps, { name, config });
  return {
    ...login,
    keyPath: driver === undefined ? '' : keyPathOf(driver, { name, config }, paths.machine(name)),
    knownHostsPath: paths.knownHosts(name),
    hostKeyAlias: hostKeyAliasOf(name),
    trust: 'pinned',
    machineName: name,
  };
}

/** Where the engine of a machine answered last, when that is through SSH. */
async function reached(deps: MachineDeps, stored: StoredMachine): Promise<Reached | undefined> {
  const path = deps.store.paths.engineUrl(stored.name);
  const url = (await readText(path).catch(() => undefined))?.trim() ?? '';
  const target = await targetAt(url, deps, stored);
  if (target === undefined) return undefined;
  return { target, at: (await stat(path).catch(() => undefined))?.mtimeMs ?? 0 };
}

/** The file's text, one block an address. The machine that was reached last has the address. */
async function sshConfigText(deps: MachineDeps): Promise<string> {
  const stored = (await deps.store.loadAll()).filter((one): one is StoredMachine => !('error' in one));
  const found = (await Promise.all(stored.map((one) => reached(deps, one)))).filter(
    (one) => one !== undefined,
  );
  const newestLast = found.sort((a, b) => a.at - b.at).map(({ target }) => [target.host, target] as const);
  const blocks = [...new Map(newestLast).values()].flatMap((target) => {
    try {
      return [hostBlock(target)];
    } catch (error) {
      deps.report.warn(`docker will not find "${target.machineName}" through SSH: ${messageOf(error)}`);
      return [];
    }
  });
  return blocks.length === 0 ? '' : [HEADER, ...blocks].join('\n');
}

/** Whether the file knows the machine at its URL. Nothing is written. */
export async function sshConfigKnows(machine: Machine, url: string): Promise<boolean> {
  const target = await targetAt(url, machine.deps, machine);
  const text = await readText(machine.deps.store.paths.sshConfig).catch(() => undefined);
  return target !== undefined && text?.includes(hostBlock(target)) === true;
}

/** Writes the store's whole ssh config anew, after an address became known or was given up. */
export async function refreshSshConfig(deps: MachineDeps): Promise<void> {
  const { store, signal } = deps;
  const refresh = async () => {
    const text = await sshConfigText(deps);
    if (text === '') await rm(store.paths.sshConfig, { force: true });
    else await writeStoreFile(store.paths.sshConfig, text);
  };
  // What takes back an interrupted create is not itself interrupted.
  await store.withTopic('ssh-config', refresh, signal);
}

/**
 * Keeps where the engine has just answered, for shells, and for the ssh that docker starts.
 * The caller holds the machine's lock.
 */
export async function keepEngineAddress(machine: Machine, url: string): Promise<void> {
  await writeStoreFile(machine.deps.store.paths.engineUrl(machine.name), `${url}\n`);
  if (machine.isThroughSsh) await refreshSshConfig(machine.deps);
}

/** Before the machine is switched on or off: where its engine will answer, and whether, is open. */
export async function forgetEngineAddress(machine: Machine): Promise<void> {
  await rm(machine.deps.store.paths.engineUrl(machine.name), { force: true });
  if (machine.isThroughSsh) await refreshSshConfig(machine.deps);
}
