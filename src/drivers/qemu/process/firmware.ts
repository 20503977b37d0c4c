import { access, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Programs } from '../../../base/ports.ts';
import { qemuProgram } from './argv.ts';

/** UEFI for aarch64 guests as QEMU itself, Homebrew, Debian, Fedora and Arch install it. */
const KNOWN_PATHS: readonly string[] = [
  '/opt/homebrew/share/qemu/edk2-aarch64-code.fd',
  '/usr/local/share/qemu/edk2-aarch64-code.fd',
  '/usr/share/qemu/edk2-aarch64-code.fd',
  '/usr/share/AAVMF/AAVMF_CODE.fd',
  '/usr/share/AAVMF/AAVMF_CODE.no-secboot.fd',
  '/usr/share/qemu-efi-aarch64/QEMU_EFI.fd',
  '/usr/share/edk2/aarch64/QEMU_EFI.fd',
  '/usr/share/edk2-armvirt/aarch64/QEMU_EFI.fd',
];

/** The firmware beside the QEMU in use, else one of the known places. */
export async function findFirmware(programs: Programs): Promise<string | undefined> {
  const program = await programs.find(qemuProgram('aarch64'));
  const own =
    program === undefined
      ? []
      : await realpath(program).then(
          (path) => [
            join(dirname(path), '../share/qemu/edk2-aarch64-code.fd'),
            join(dirname(path), 'share/edk2-aarch64-code.fd'),
          ],
          () => [],
        );
  for (const path of [...own, ...KNOWN_PATHS]) {
    try {
      await access(path);
      return path;
    } catch {
      // The next place may have it.
    }
  }
  return undefined;
}
