import { errorsOf } from '../base/machine-error.ts';

export const driverErrors = {
  MM_DRIVER_UNKNOWN: { summary: 'There is no driver of that name.' },
  MM_DRIVER_NONE_WORKS: { summary: 'No driver can make machines on this computer as it is.', exitCode: 3 },
  MM_DRIVER_FLAGS: {
    summary: "A driver's option is missing or has a value that cannot work.",
    exitCode: 2,
    formerly: ['MM_EC2_FLAGS', 'MM_NSPAWN_FLAG', 'MM_QEMU_FLAGS', 'MM_VBOX_FLAGS'],
  },
  MM_DRIVER_UNSUPPORTED: { summary: "The machine's driver cannot do that." },
  MM_GENERIC_KEY: { summary: 'The private key given for a generic machine cannot be used.', exitCode: 3 },
} as const;

export const driverError = errorsOf(driverErrors);
