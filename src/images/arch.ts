/** A guest's processor, as QEMU and the kernel call it. */
export type Arch = 'x86_64' | 'aarch64';

/** This computer's processor; undefined when there are no images for it. */
export function hostArch(nodeArch: string = process.arch): Arch | undefined {
  return nodeArch === 'x64' ? 'x86_64' : nodeArch === 'arm64' ? 'aarch64' : undefined;
}

/** The name that Debian, Ubuntu and Docker use. */
export function debianArch(arch: Arch): 'amd64' | 'arm64' {
  return arch === 'x86_64' ? 'amd64' : 'arm64';
}
