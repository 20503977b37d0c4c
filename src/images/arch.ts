/** A guest's processor, in QEMU's and the kernel's words. */
export type Arch = 'x86_64' | 'aarch64';

/** This computer's; undefined when no image is offered for it. */
export function hostArch(nodeArch: string = process.arch): Arch | undefined {
  return nodeArch === 'x64' ? 'x86_64' : nodeArch === 'arm64' ? 'aarch64' : undefined;
}

/** Debian's word for it, which Ubuntu and Docker share. */
export function debianArch(arch: Arch): 'amd64' | 'arm64' {
  return arch === 'x86_64' ? 'amd64' : 'arm64';
}
