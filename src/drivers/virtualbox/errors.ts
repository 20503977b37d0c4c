import { errorsOf } from '../../base/machine-error.ts';

export const virtualboxErrors = {
  MM_VBOX_MISSING: {
    summary: "VirtualBox's program VBoxManage was not found on this computer.",
    exitCode: 3,
  },
  MM_VBOX_VERSION: { summary: 'This version of VirtualBox is too old for the machine.', exitCode: 3 },
  MM_VBOX_KERNEL: { summary: "VirtualBox's kernel module is not loaded.", exitCode: 3 },
  MM_VBOX_VTX: { summary: "The processor's virtualisation is off, missing, or taken.", exitCode: 3 },
  MM_VBOX_HYPERV: {
    summary: 'Windows keeps the processor’s virtualisation to itself (Hyper-V).',
    exitCode: 3,
  },
  MM_VBOX_ARCH: { summary: "VirtualBox has no machines for this computer's processor.", exitCode: 3 },
  MM_VBOX_MEMORY: { summary: 'This computer has less memory than the machine is to have.', exitCode: 3 },
  MM_VBOX_DISK_SPACE: { summary: 'There is not enough room on the disk for the machine.', exitCode: 3 },
  MM_VBOX_NAME: { summary: 'VirtualBox has another machine of that name already.', exitCode: 3 },
  MM_VBOX_IMAGE: { summary: "The machine's disk image cannot be had.", exitCode: 3 },
  MM_VBOX_USER_DATA: { summary: 'The file with user data cannot be read or used.', exitCode: 3 },
  MM_VBOX_NETWORK_DENIED: {
    summary: 'VirtualBox may not give host-only networks that address (networks.conf).',
    exitCode: 3,
  },
  MM_VBOX_NETWORK_TAKEN: {
    summary: "The host-only network's addresses are another network's of this computer.",
    exitCode: 3,
  },
  MM_VBOX_INTERFACE: { summary: 'There is no such network interface to bridge to.', exitCode: 3 },
  MM_VBOX_NETWORK: { summary: 'The host-only network could not be set up.' },
  MM_VBOX_ADDRESSES: { summary: 'The host-only network has no free address left.' },
  MM_VBOX_ADDRESS_TAKEN: {
    summary: "The machine's address, or DHCP in its network, is another user's of this computer.",
  },
  MM_VBOX_GONE: {
    summary: 'VirtualBox does not know the machine: it was removed there, or by another user.',
  },
  MM_VBOX_LOCKED: { summary: 'Another program works on the machine, so VirtualBox refuses to.' },
  MM_VBOX_NOT_RUNNING: { summary: 'The machine does not run, and the operation needs that.' },
  MM_VBOX_SAVED: { summary: 'The machine is saved, and cannot shut down before it is started again.' },
  MM_VBOX_MEDIUM: { summary: 'A disk or an ISO image of the machine is missing.' },
  MM_VBOX_DISK: { summary: "The machine's disk could not be made." },
  MM_VBOX_DISK_FULL: { summary: 'The disk became full while VirtualBox wrote to it.' },
  MM_VBOX_OUT_OF_MEMORY: { summary: 'This computer has not enough free memory for the machine now.' },
  MM_VBOX_START: { summary: 'VirtualBox could not start the machine.' },
  MM_VBOX_BOOT: { summary: 'The guest did not come up within its time.' },
  MM_VBOX_STOP: { summary: 'The machine could not be switched off.' },
  MM_VBOX_FORWARD: { summary: 'A forward of a local port into the machine could not be set up.' },
  MM_VBOX_NO_LEASE: { summary: "VirtualBox's DHCP server has given the machine no address." },
  MM_VBOX_SHARE: { summary: 'The folder could not be shared with the machine.', exitCode: 3 },
  MM_VBOX_BOOT2DOCKER: { summary: 'The boot2docker ISO image cannot be had.' },
  MM_VBOX_DENIED: { summary: 'VirtualBox was not allowed to do that.' },
  MM_VBOX_UNSUPPORTED: { summary: 'This version of VirtualBox cannot do that.' },
  MM_VBOX_CUT: { summary: 'VBoxManage did not print all that it was asked for.' },
  MM_VBOX_FAILED: { summary: 'VBoxManage failed for a reason that is not known here.' },
} as const;

export const virtualboxError = errorsOf(virtualboxErrors);
