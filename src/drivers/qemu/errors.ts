import { errorsOf } from '../../base/machine-error.ts';

export const qemuErrors = {
  MM_QEMU_MISSING: {
    summary: 'QEMU, or a part of it that the machine needs, is not installed.',
    exitCode: 3,
  },
  MM_QEMU_ACCEL: {
    summary: 'The acceleration that was asked for does not work on this computer.',
    exitCode: 3,
  },
  MM_QEMU_MEMORY: { summary: 'This computer has less memory than the machine is to have.', exitCode: 3 },
  MM_QEMU_DISK_SPACE: { summary: 'There is not enough room on the disk for the machine.', exitCode: 3 },
  MM_QEMU_IMAGE: { summary: "The machine's disk image cannot be had.", exitCode: 3 },
  MM_QEMU_PORT_TAKEN: { summary: 'A port that is to be published is used by another program.', exitCode: 3 },
  MM_QEMU_USER_DATA: { summary: 'The file with user data cannot be read or used.', exitCode: 3 },
  MM_QEMU_DISK: { summary: "The machine's disk could not be made." },
  MM_QEMU_DIED: { summary: 'QEMU ended at once.' },
  MM_QEMU_STALLED: { summary: 'The guest does nothing under the acceleration that was asked for.' },
  MM_QEMU_BOOT: { summary: 'The guest did not come up within its time.' },
  MM_QEMU_KILL: { summary: "The machine's QEMU process could not be ended." },
  MM_QEMU_FILES: { summary: "Files of the machine are missing, so it can't be started." },
} as const;

export const qemuError = errorsOf(qemuErrors);
