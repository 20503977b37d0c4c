import type { Ports } from '../../../base/ports.ts';
import { virtualboxError } from '../errors.ts';
import { manage } from './manage.ts';
import { parseVersion, type Version } from './output.ts';
import { howToInstall } from './remedies.ts';

export async function versionOf(ports: Ports): Promise<Version> {
  const stdout = await manage(ports, ['--version']);
  const version = parseVersion(stdout);
  if (version !== undefined) return version;
  throw virtualboxError('MM_VBOX_VERSION', {
    message: 'VBoxManage --version gives no version',
    hint: `VirtualBox may be half installed. ${howToInstall()}`,
  });
}
