import { readFile } from 'node:fs/promises';
import { virtualboxError } from '../errors.ts';
import { NETWORKS_CONF } from '../manage/explain.ts';
import { isAtLeast, type Version } from '../manage/output.ts';
import { type Cidr, contains } from './cidr.ts';

/**
 * What is allowed where there is no file, since VirtualBox 6.1.28 (manual, "Host-Only Networking").
 */
const DEFAULT = ['192.168.56.0/21'];

/**
 * Networks in lines such as `* 10.0.0.0/8 192.168.0.0/16`; others, as those of IPv6, are not ours.
 */
export function allowedNetworks(text: string | undefined): readonly string[] {
  if (text === undefined) return DEFAULT;
  return text
    .split(/\r?\n/)
    .flatMap((line) => (/^\s*\*\s/.test(line) ? line.trim().split(/\s+/).slice(1) : []))
    .filter((word) => /^[\d.]+\/\d+$/.test(word));
}

/**
 * Refuses a network that VirtualBox would refuse, with
 * the line that allows it. Windows has no such file.
 */
export async function checkAllowed(
  cidr: Cidr,
  version: Version,
  path = NETWORKS_CONF,
  platform: NodeJS.Platform = process.platform,
): Promise<void> {
  if (platform === 'win32' || !isAtLeast(version, 6, 1, 28)) return;
  const text = await readFile(path, 'utf8').catch(() => undefined);
  const allowed = allowedNetworks(text);
  if (allowed.some((network) => contains(network, cidr.network))) return;
  throw virtualboxError('MM_VBOX_NETWORK_DENIED', {
    message: `VirtualBox allows host-only networks only within ${allowed.join(', ') || 'nothing'}, and ${cidr.network} is not`,
    hint: `Allow it by the line "* ${cidr.network}" in ${path}, or leave out --virtualbox-hostonly-cidr.`,
  });
}
