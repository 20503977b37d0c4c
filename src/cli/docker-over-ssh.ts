import type { Machine } from '../machine/machine.ts';
import { includeLine } from '../ssh/client-config.ts';
import { parseSshUrl } from '../ssh/url.ts';
import { readUserConfig } from '../ssh/user-config.ts';
import { readText } from '../store/read-file.ts';
import type { App } from './app.ts';

/**
 * What is to be done before docker finds the machine at its ssh:// URL, in a sentence; undefined when nothing is. docker
 * starts the system's ssh with the user's own config, so that config is asked, and nothing is written.
 */
export async function missingForDocker(app: App, machine: Machine, url: string): Promise<string | undefined> {
  const { paths } = app.store;
  const recorded = await readText(paths.engineUrl(machine.name)).catch(() => undefined);
  if (recorded?.trim() !== url) {
    return app.say(
      `The address of ${machine.name} is not known to ssh yet. Make it so with: mymachine provision ${machine.name}`,
    );
  }
  const login = parseSshUrl(url);
  const config =
    login === undefined || app.globals.bool('no-ssh-config')
      ? undefined
      : await readUserConfig(login, {
          programs: app.programs,
          homeDir: app.io.homeDir,
          configPath: '',
          signal: app.signal,
        });
  const isKnown =
    config?.hostKeyAlias === machine.name && config.knownHostsFiles === paths.knownHosts(machine.name);
  if (isKnown) return undefined;
  return `So that docker finds this machine, put this line at the top of ~/.ssh/config: ${includeLine(paths.sshConfig)}`;
}
