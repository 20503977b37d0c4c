import { sshConfigKnows } from '../../machine/engine/last-address.ts';
import type { Machine } from '../../machine/machine.ts';
import { includeLine } from '../../ssh/system/openssh.ts';
import { readUserConfig } from '../../ssh/system/user-config.ts';
import { parseSshUrl } from '../../ssh/target.ts';
import type { App } from '../app.ts';

/**
 * What is to be done before docker finds the machine at its ssh:// URL, in a
 * sentence; undefined when nothing is. docker starts the system's ssh with the
 * user's own config, so ssh is asked what that says, and nothing is written.
 */
export async function missingForDocker(app: App, machine: Machine, url: string): Promise<string | undefined> {
  const { name } = machine;
  const { paths } = app.store;
  if ((await app.programs.find('ssh')) === undefined)
    return 'docker reaches this machine by the program ssh, which is not in PATH here.';
  if (!(await sshConfigKnows(machine, url)))
    return app.say(`ssh does not know where ${name} is now. Tell it with: mymachine provision ${name}`);
  if (!app.globals['no-ssh-config'] && (await isIncluded(app, name, url))) return undefined;
  return `So that docker finds this machine, put this line at the top of ~/.ssh/config: ${includeLine(paths.sshConfig)}`;
}

async function isIncluded({ io, programs, signal, store }: App, name: string, url: string): Promise<boolean> {
  const login = parseSshUrl(url);
  if (login === undefined) return false;
  const source = { programs, homeDir: io.homeDir, configPath: '', signal };
  const config = await readUserConfig(login, source);
  return config?.hostKeyAlias === name && config.knownHostsFiles === store.paths.knownHosts(name);
}
