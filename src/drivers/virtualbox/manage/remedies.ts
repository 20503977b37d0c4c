/** What to do where VirtualBox itself, or the computer it is on, is not ready. One line each. */

/**
 * Networks that host-only adapters may have, in VirtualBox
 * from 6.1.28 on (manual, "Host-Only Networking").
 */
export const NETWORKS_CONF = '/etc/vbox/networks.conf';

export function howToInstall(platform: NodeJS.Platform = process.platform): string {
  if (platform === 'darwin') return 'Install it with "brew install --cask virtualbox".';
  if (platform === 'win32') return 'Install it with "winget install Oracle.VirtualBox".';
  return 'Install it from your distribution or from virtualbox.org, and put VBoxManage into PATH.';
}

export function howToLoadModule(platform: NodeJS.Platform = process.platform): string {
  if (platform === 'darwin')
    return "Allow Oracle's system extension in System Settings, Privacy & Security, then restart the computer.";
  if (platform === 'win32') return "Run VirtualBox's installer again and choose Repair.";
  return 'Load it with "sudo modprobe vboxdrv". Where there is none, build it with "sudo /sbin/vboxconfig", or on Debian with "apt-get install virtualbox-dkms linux-headers-generic".';
}

export const howToUseHyperV =
  'Switch Hyper-V off as an administrator (bcdedit /set hypervisorlaunchtype off) and restart Windows, or use a driver that works beside it.';
