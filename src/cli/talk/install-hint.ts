import type { App } from '../app.ts';

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
