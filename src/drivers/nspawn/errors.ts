import { errorsOf } from '../../base/machine-error.ts';

export const nspawnErrors = {
  MM_NSPAWN_UNAVAILABLE: {
    summary: 'Container machines cannot work on this computer as it is.',
    exitCode: 3,
  },
  MM_NSPAWN_NAME: { summary: "The machine's name cannot be the name of a host.", exitCode: 3 },
  MM_NSPAWN_IMAGE: {
    summary: 'There is no root file system of that name for container machines.',
    exitCode: 3,
  },
  MM_NSPAWN_DISK: {
    summary: 'The file system of the store or the cache cannot hold a container machine.',
    exitCode: 3,
  },
  MM_NSPAWN_LIMIT: {
    summary: 'The kernel of this computer cannot enforce the memory or cpu limit.',
    exitCode: 3,
  },
  MM_NSPAWN_BUILD: {
    summary: "A root file system could not be built from the distribution's packages.",
  },
  MM_NSPAWN_IMAGE_GONE: {
    summary: 'The root file system that a machine was made on is gone or is another one now.',
  },
  MM_NSPAWN_SUBNET: {
    summary: 'No network is free for the machines, or theirs is in use by something else.',
  },
  MM_NSPAWN_NETWORK: { summary: 'The network of the container machines could not be made.' },
  MM_NSPAWN_COMMAND: { summary: 'A system program that the nspawn driver needs failed.' },
  MM_NSPAWN_BOOT: { summary: 'A container machine did not come up.' },
  MM_NSPAWN_STUCK: { summary: 'Processes of a container machine do not end.' },
} as const;

export const nspawnError = errorsOf(nspawnErrors);
