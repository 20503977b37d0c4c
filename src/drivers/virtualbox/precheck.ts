import { access, constants, readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { checkImage } from '../../images/resolve.ts';
import type { DriverContext, PlanLine } from '../../sdk/context.ts';
import { guestChecks, guestPlan, imageContext, MIB } from '../../sdk/guest.ts';
import { isBoot2Docker, type VirtualBoxConfig } from './config.ts';
import { virtualboxError } from './errors.ts';
import { checkIso } from './hardware/boot2docker.ts';
import { imageWish, isVirtualBoxDisk } from './hardware/disk.ts';
import { checkShare, shareOf } from './hardware/share.ts';
import { NETWORKS_CONF } from './manage/explain.ts';
import { checkHost, checkVersion, versionOf } from './manage/host-support.ts';
import { manage } from './manage/manage.ts';
import { isAtLeast, parseRecords, parseVms, type Version } from './manage/output.ts';
import { hostOnlyKind } from './network/adapters.ts';
import { type Cidr, contains, networkOf, overlap } from './network/cidr.ts';
import { cidrOf, usesDhcp } from './network/network.ts';

type Context = DriverContext<VirtualBoxConfig>;

/** A clone of the image, and what a guest with an engine writes within its first minutes. */
const MACHINE_BYTES = 3072 * MIB;
/** The image as it is downloaded, as a raw disk, and as VirtualBox reads it. */
const IMAGE_BYTES = 6144 * MIB;

const checks = guestChecks('virtualbox', (fault, details) => virtualboxError(`MM_VBOX_${fault}`, details));

/** Everything that can be known to go wrong, before anything is made. */
export async function precheckVirtualBox(context: Context): Promise<readonly PlanLine[]> {
  const { config } = context;
  const version = await versionOf(context);
  checkVersion(version);
  await checkHost(context, version, config.NoVTXCheck);
  checks.memory(context, config.Memory);
  await checkName(context);
  const image = await checkSource(context);
  await checks.room(context.storeDir, MACHINE_BYTES, 'the machine’s disk');
  if (image === 'to be made') await checks.room(context.cacheDir, IMAGE_BYTES, 'the image');
  if (config.NatOnly !== true) await checkNetwork(context, version);
  await checkBridge(context);
  await checkShare(config);
  await checks.userData(config.UserData ?? '');
  const share = shareOf(config);
  const hostOnly = `host-only ${config.HostOnlyCIDR}, with ${usesDhcp(config) ? 'DHCP' : 'a fixed address'}`;
  return [
    ...guestPlan({
      image: isBoot2Docker(config) ? config.Boot2DockerURL : (config.Image ?? ''),
      isHere: image === 'here',
      processors: String(config.CPU),
      memory: config.Memory,
      disk: config.DiskSize,
    }),
    ...(share === undefined ? [] : [{ label: 'shared folder', value: `${share.folder}, as /${share.name}` }]),
    { label: 'network', value: config.NatOnly === true ? 'NAT alone, by ports of 127.0.0.1' : hostOnly },
  ];
}

async function checkName(context: Context): Promise<void> {
  const { name } = context.machine;
  const vms = parseVms(await manage(context, ['list', 'vms']));
  if (!vms.some((vm) => vm.name === name)) return;
  throw virtualboxError('MM_VBOX_NAME', {
    message: `VirtualBox has a machine "${name}" already`,
    hint: `Choose another name, or if nobody needs it delete that: "VBoxManage unregistervm ${name} --delete".`,
  });
}

async function checkSource(context: Context): Promise<'here' | 'to be made'> {
  const { config } = context;
  if (isBoot2Docker(config)) {
    await checkIso(config.Boot2DockerURL);
    return 'here';
  }
  return checks.image(async () => {
    if (!isVirtualBoxDisk(config.Image ?? '')) return checkImage(imageContext(context), imageWish(config));
    await access(config.Image ?? '', constants.R_OK);
    return 'here';
  });
}

/** The network is there, or can be made: allowed, and not another network of this computer. */
async function checkNetwork(context: Context, version: Version): Promise<void> {
  const cidr = cidrOf(context.config);
  const kind = hostOnlyKind(version);
  kind.check(cidr);
  const all = await kind.list(context);
  if (all.some(({ ip, netmask }) => ip === cidr.ip && netmask === cidr.netmask)) return;
  await checkAllowed(cidr, version);
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    for (const { address, netmask, family } of addresses ?? []) {
      const network = family === 'IPv4' ? networkOf(address, netmask) : undefined;
      if (network === undefined || !overlap(network, cidr.network)) continue;
      throw virtualboxError('MM_VBOX_NETWORK_TAKEN', {
        message: `The host-only network ${cidr.network} overlaps with ${network} on this computer's ${name}`,
        hint: 'Take another with --virtualbox-hostonly-cidr, such as 192.168.61.1/24, or none with --virtualbox-nat-only.',
      });
    }
  }
}

async function checkBridge(context: Context): Promise<void> {
  const wished = context.config.BridgedInterface ?? '';
  if (wished === '') return;
  const names = parseRecords(await manage(context, ['list', 'bridgedifs']), 'Name').map(
    (record) => record.get('Name') ?? '',
  );
  if (names.includes(wished)) return;
  throw virtualboxError('MM_VBOX_INTERFACE', {
    message: `There is no interface ${JSON.stringify(wished.slice(0, 80))} to bridge to`,
    hint: `VirtualBox can bridge to: ${names.slice(0, 20).join(', ') || 'none'}.`,
  });
}

/** Allowed without a file, since VirtualBox 6.1.28 (manual, "Host-Only Networking"). */
const DEFAULT = ['192.168.56.0/21'];

/** IPv4 networks in lines such as `* 10.0.0.0/8 192.168.0.0/16`. */
export function allowedNetworks(text: string | undefined): readonly string[] {
  if (text === undefined) return DEFAULT;
  return text
    .split(/\r?\n/)
    .flatMap((line) => (/^\s*\*\s/.test(line) ? line.trim().split(/\s+/).slice(1) : []))
    .filter((word) => /^[\d.]+\/\d+$/.test(word));
}

/** Refuses what VirtualBox would refuse, with the line that allows it. Windows has no such file. */
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
