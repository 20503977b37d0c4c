/** A system whose images its makers publish in an account of their own. */
export interface System {
  /** The publisher's account in a region. Anybody may publish an image of any name. */
  readonly owner: (region: string) => string;
  /** Pattern of the image's name, for EC2's architecture name. */
  readonly name: (arch: Arch) => string;
}

export type Arch = 'x86_64' | 'arm64';

/** Canonical's accounts, one a partition of AWS (its page "Find Ubuntu images on AWS"). */
function canonical(region: string): string {
  if (region.startsWith('us-gov-')) return '513442679011';
  return region.startsWith('cn-') ? '837727238323' : '099720109477';
}

const DEBIAN = '136693071363';

const debArch = (arch: Arch) => (arch === 'x86_64' ? 'amd64' : 'arm64');

/** Canonical moved from gp2 to gp3 volumes with 24.04, and its names say so. */
const ubuntu = (release: string, volume: string): System => ({
  owner: canonical,
  name: (arch) => `ubuntu/images/hvm-${volume}/ubuntu-${release}-${debArch(arch)}-server-*`,
});

const debian = (release: string): System => ({
  owner: () => DEBIAN,
  name: (arch) => `debian-${release}-${debArch(arch)}-*`,
});

/** By the name of --amazonec2-image; the first is the default. */
export const systems: Readonly<Record<string, System>> = {
  'ubuntu-24.04': ubuntu('noble-24.04', 'ssd-gp3'),
  'ubuntu-26.04': ubuntu('resolute-26.04', 'ssd-gp3'),
  'ubuntu-22.04': ubuntu('jammy-22.04', 'ssd'),
  'debian-13': debian('13'),
  'debian-12': debian('12'),
};

export const imageNames: readonly string[] = Object.keys(systems);
