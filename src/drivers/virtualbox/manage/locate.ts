import type { Programs } from '../../../base/ports.ts';

/**
 * Where installers put VBoxManage when it is not in PATH. The folders that VBOX_INSTALL_PATH and VBOX_MSI_INSTALL_PATH name
 * are looked through by `Programs.find`.
 */
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
    const path = await programs.find(candidate);
    if (path !== undefined) return path;
  }
  return undefined;
}
