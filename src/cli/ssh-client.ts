import { sshConfigKnows } from '../machine/engine/last-address.ts';
import { Machine } from '../machine/machine.ts';
import { notRunning } from '../machine/silence.ts';
import type { SshTarget } from '../ssh/contract.ts';
import { pinnedKeys } from '../ssh/keys/known-hosts.ts';
import { checkKeyFile } from '../ssh/keys/private-key-file.ts';
import { includeLine, whyUnsaid } from '../ssh/system/openssh.ts';
import { readUserConfig } from '../ssh/system/user-config.ts';
import { hostKeyAliasOf, parseSshUrl } from '../ssh/target.ts';
import type { App } from './app.ts';
import { cliError } from './errors.ts';

export async function runningMachine(app: App, name: string): Promise<Machine> {
  const machine = await Machine.open(app.deps, name);
  // A machine without SSH says so itself, whatever its state.
  await machine.sshTarget();
  if ((await machine.lastLook()).state === 'Running') return machine;
  throw await notRunning(machine, `Error: Cannot run SSH command: Host "${name}" is not running`);
}

/** Of a key that it cannot use ssh only warns, and then fails as if the user were unknown. */
export async function systemTarget(app: App, machine: Machine): Promise<SshTarget> {
  const target = await machine.sshTarget();
  if (target.keyPath !== '') await checkKeyFile(target.keyPath);
  // The system's ssh would heed the machine's known_hosts alone. A first contact heeds the user's.
  const isFirst =
    target.trust === 'first-use' &&
    (await pinnedKeys(target.knownHostsPath, target.hostKeyAlias)).length === 0;
  if (isFirst) await (await app.ssh()).meet(target, { signal: app.signal });
  return target;
}

/** The built-in client serves where it is asked for, and where the system has none. */
export async function usesNativeSsh(app: App): Promise<boolean> {
  return app.globals['native-ssh'] || (await app.programs.find('ssh')) === undefined;
}

/** What ssh, scp and rsync end with when they got no connection, which a command may as well. */
export const CONNECTION_FAILED = 255;

/**
 * Says why the system's ssh has just failed, if it has, and has not said so itself. With LogLevel
 * ERROR it ends without a word when no algorithm is shared or a peer breaks off, and by scp -q
 * always.
 */
export async function sayUnsaid(app: App, target: SshTarget, wasQuiet = false): Promise<boolean> {
  const config = app.globals['no-ssh-config'] ? ['-F', 'none'] : [];
  const why = await whyUnsaid(app.programs, config, target, wasQuiet, app.signal);
  if (why === undefined) return false;
  app.report.warn(why);
  app.report.warn(
    /no matching/.test(why)
      ? `Hint: allow one of what the host offers in your ssh config for ${target.host}, or let its sshd offer newer algorithms.`
      : `Hint: look at what answers there with "ssh -v -p ${target.port} ${target.user}@${target.host}".`,
  );
  return true;
}

/** `[[user@]machine:]path`. Without a colon, or with `localhost:`, it is of this computer. */
export interface CopyPath {
  readonly machine: string | undefined;
  readonly user: string | undefined;
  readonly path: string;
}

export function parseCopyPath(text: string, platform: NodeJS.Platform): CopyPath {
  const colon = text.indexOf(':');
  const host = text.slice(0, Math.max(colon, 0));
  // C:\Users is no machine called C, and ./like:this none either.
  const isLocal = platform === 'win32' ? colon === 1 || /[\\/]/.test(host) : host.includes('/');
  if (colon < 0 || isLocal) return { machine: undefined, user: undefined, path: text };
  const path = text.slice(colon + 1);
  const at = host.indexOf('@');
  const machine = host.slice(at + 1);
  const user = at < 0 ? undefined : host.slice(0, at);
  if (machine === 'localhost') return { machine: undefined, user: undefined, path };
  if (machine === '' || user === '' || user?.startsWith('-') === true) {
    throw cliError('MM_ARGUMENTS', {
      message: `${JSON.stringify(text.slice(0, 100))} is not [[user@]machine:]path`,
      hint: 'A path of this computer with a colon in it is written ./like:this.',
    });
  }
  return { machine, user, path };
}

/**
 * What is to be done before docker finds the machine at its ssh:// URL; undefined for nothing.
 * docker starts ssh with the user's config, so ssh is asked what that says.
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
  return (
    config?.hostKeyAlias === hostKeyAliasOf(name) && config.knownHostsFiles === store.paths.knownHosts(name)
  );
}

/** A package's name by the package tool that knows it under that name. */
interface PackageNames {
  readonly apt: string;
  readonly dnf: string;
  readonly pacman: string;
  readonly zypper: string;
  readonly apk: string;
  /** What follows `brew install`, or whole further commands. */
  readonly brew: string;
}

/** For a program that is its own package. */
export function everywhere(name: string): PackageNames {
  return { apt: name, dnf: name, pacman: name, zypper: name, apk: name, brew: name };
}

const TOOLS = [
  ['apt-get', 'apt', 'apt-get install'],
  ['dnf', 'dnf', 'dnf install'],
  ['pacman', 'pacman', 'pacman -S'],
  ['zypper', 'zypper', 'zypper install'],
  ['apk', 'apk', 'apk add'],
] as const;

/** The exact command that installs a program on this computer. */
export async function installHint(app: App, program: string, names: PackageNames): Promise<string> {
  if (app.io.platform === 'darwin') return `Install it: "brew install ${names.brew}".`;
  if (app.io.platform === 'linux') {
    const sudo = app.io.isRoot ? '' : 'sudo ';
    for (const [tool, key, command] of TOOLS) {
      if ((await app.programs.find(tool)) !== undefined)
        return `Install it: "${sudo}${command} ${names[key]}".`;
    }
  }
  return `Install ${program}, and see that its folder is in PATH.`;
}
