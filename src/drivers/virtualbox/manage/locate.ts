import type { Programs } from '../../../base/ports.ts';

/** Installers keep their folder in one of these. On Windows they do not put it into PATH. */
export const FOLDER_VARIABLES = ['VBOX_INSTALL_PATH', 'VBOX_MSI_INSTALL_PATH'];

/** Where installers put VBoxManage when nothing leads to it. */
const USUAL_PLACES: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  linux: ['/usr/bin/VBoxManage', '/usr/lib/virtualbox/VBoxManage', '/opt/VirtualBox/VBoxManage'],
  darwin: ['/usr/local/bin/VBoxManage', '/Applications/VirtualBox.app/Contents/MacOS/VBoxManage'],
  win32: [
    'C:\\Program Files\\Oracle\\VirtualBox\\VBoxManage.exe',
    'C:\\Program Files (x86)\\Oracle\\VirtualBox\\VBoxManage.exe',
  ],
};

/** The full path of VBoxManage, or undefined. */
export async function findManage(
  programs: Programs,
  platform: NodeJS.Platform = process.platform,
): Promise<string | undefined> {
  for (const candidate of ['VBoxManage', ...(USUAL_PLACES[platform] ?? [])]) {
    const path = await programs.find(candidate, FOLDER_VARIABLES);
    if (path !== undefined) return path;
  }
  return undefined;
}
