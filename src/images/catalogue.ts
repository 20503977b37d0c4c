/** Where a distribution publishes its cloud image, and how a download is checked. */
export interface CatalogueImage {
  readonly name: string;
  readonly arch: Arch;
  readonly url: string;
  /** A file of `HEX  NAME` lines beside the image. */
  readonly checksumsUrl: string;
  readonly checksum: 'sha256' | 'sha512';
  /** The release's code name, for building the same system from packages. */
  readonly suite: string;
  readonly distribution: 'debian' | 'ubuntu';
  readonly kernel: Kernel;
}

/**
 * cloud: Debian's kernel for virtio devices alone, enough for QEMU.
 * full: a kernel for real hardware too (AHCI, e1000), as VirtualBox has. Ubuntu's kernel is full.
 */
export type Kernel = 'cloud' | 'full';

interface Release {
  readonly name: string;
  readonly distribution: CatalogueImage['distribution'];
  readonly version: string;
  readonly suite: string;
  readonly kernel?: Kernel;
}

const RELEASES: readonly Release[] = [
  { name: 'debian-12', distribution: 'debian', version: '12', suite: 'bookworm' },
  { name: 'debian-12-generic', distribution: 'debian', version: '12', suite: 'bookworm', kernel: 'full' },
  { name: 'debian-13', distribution: 'debian', version: '13', suite: 'trixie' },
  { name: 'debian-13-generic', distribution: 'debian', version: '13', suite: 'trixie', kernel: 'full' },
  { name: 'ubuntu-22.04', distribution: 'ubuntu', version: '22.04', suite: 'jammy' },
  { name: 'ubuntu-24.04', distribution: 'ubuntu', version: '24.04', suite: 'noble' },
  { name: 'ubuntu-26.04', distribution: 'ubuntu', version: '26.04', suite: 'resolute' },
];

export const DEFAULT_IMAGE = 'debian-13';

export const catalogueNames: readonly string[] = RELEASES.map(({ name }) => name);

/** The name of the same release with a full kernel. Other names stay. */
export function fullHardwareImage(name: string): string {
  const generic = `${name}-generic`;
  return catalogueNames.includes(generic) ? generic : name;
}

/** The distribution of a code name in the catalogue. */
export const suiteDistribution = (suite: string): CatalogueImage['distribution'] | undefined =>
  RELEASES.find((release) => release.suite === suite)?.distribution;

/**
 * The release and kernel to build under a name: what the user said, else the catalogue's.
 * "-engine" behind the name is ignored. The default is Debian 12 with the cloud kernel.
 */
export function buildSystem(
  name: string,
  said: { readonly suite?: string | undefined; readonly kernel?: Kernel | undefined },
): { readonly suite: string; readonly kernel: Kernel } {
  const release = RELEASES.find((candidate) => candidate.name === name.replace(/-engine$/, ''));
  return {
    suite: said.suite ?? release?.suite ?? 'bookworm',
    kernel: said.kernel ?? release?.kernel ?? 'cloud',
  };
}

/**
 * The catalogue's entry of a name, or undefined.
 * Debian: https://cloud.debian.org/images/cloud/ (genericcloud and generic, by kernel).
 * Ubuntu: https://cloud-images.ubuntu.com/releases/ (the .img files are qcow2).
 */
export function catalogueImage(name: string, arch: Arch): CatalogueImage | undefined {
  const release = RELEASES.find((candidate) => candidate.name === name);
  if (release === undefined) return undefined;
  const { distribution, version, suite, kernel = distribution === 'debian' ? 'cloud' : 'full' } = release;
  const base =
    distribution === 'debian'
      ? `https://cloud.debian.org/images/cloud/${suite}/latest`
      : `https://cloud-images.ubuntu.com/releases/${version}/release`;
  const file =
    distribution === 'debian'
      ? `debian-${version}-${kernel === 'cloud' ? 'genericcloud' : 'generic'}-${debianArch(arch)}.qcow2`
      : `ubuntu-${version}-server-cloudimg-${debianArch(arch)}.img`;
  return {
    name,
    arch,
    url: `${base}/${file}`,
    checksumsUrl: `${base}/${distribution === 'debian' ? 'SHA512SUMS' : 'SHA256SUMS'}`,
    checksum: distribution === 'debian' ? 'sha512' : 'sha256',
    suite,
    distribution,
    kernel,
  };
}

/** A guest's processor, as QEMU and the kernel call it. */
export type Arch = 'x86_64' | 'aarch64';

/** This computer's processor; undefined when there are no images for it. */
export function hostArch(nodeArch: string = process.arch): Arch | undefined {
  return nodeArch === 'x64' ? 'x86_64' : nodeArch === 'arm64' ? 'aarch64' : undefined;
}

/** The name that Debian, Ubuntu and Docker use. */
function debianArch(arch: Arch): 'amd64' | 'arm64' {
  return arch === 'x86_64' ? 'amd64' : 'arm64';
}

/** Whether the name of an image is an address such as `https://…/disk.qcow2#sha256:HEX`. */
export const isImageUrl = (name: string): boolean => /^https?:\/\//.test(name);
