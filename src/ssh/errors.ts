import { errorsOf } from '../base/machine-error.ts';

export const sshErrors = {
  MM_SSH_TARGET: { summary: 'The address, user or port to log in with cannot be used.' },
  MM_SSH_CONFIG: { summary: "The system's ssh refuses the user's ssh config." },
  MM_SSH_HOST_UNKNOWN: { summary: "The host's name cannot be resolved to an address." },
  MM_SSH_REFUSED: { summary: 'The host answers, but nothing listens on its SSH port.' },
  MM_SSH_UNREACHABLE: { summary: 'There is no way through the network to the host.' },
  MM_SSH_TIMEOUT: { summary: 'The host, or a command on it, did not answer within its time.' },
  MM_SSH_CLOSED: { summary: 'The SSH connection was closed before the work on it was done.' },
  MM_SSH_PROTOCOL: {
    summary: 'What answers on the SSH port is no SSH server, or has no algorithm in common with us.',
  },
  MM_SSH_PROXY: { summary: "The ProxyJump or ProxyCommand of the user's ssh config does not get through." },
  MM_SSH_AUTH: { summary: 'The host does not let the user in with the keys that were tried.' },
  MM_SSH_KEY_MISSING: { summary: 'The private key file cannot be read.' },
  MM_SSH_KEY_PERMISSIONS: { summary: 'The private key file can be read by other users.' },
  MM_SSH_KEY_ENCRYPTED: { summary: 'The private key is protected by a passphrase, and no agent holds it.' },
  MM_SSH_KEY_INVALID: { summary: 'The file is not a private key that can be used.' },
  MM_SSH_HOST_KEY_UNKNOWN: { summary: "The host's key is not among the known ones, and it must be." },
  MM_SSH_HOST_KEY_REFUSED: {
    summary: "The user's own known_hosts or ssh config forbids the key that a host shows.",
  },
  MM_SSH_HOST_KEY_CHANGED: { summary: 'The host shows another key than the one pinned for the machine.' },
  MM_SSH_KNOWN_HOSTS: {
    summary: "The machine's file of host keys cannot be read, understood or written.",
    formerly: ['MM_SSH_HOST_KEY_REVOKED'],
  },
  MM_SSH_COMMAND: { summary: 'A command cannot be run on the host.' },
  MM_SSH_OUTPUT: { summary: 'A command on the host printed more than is accepted of it.' },
  MM_SSH_WRITE: { summary: 'A file on the host could not be written.' },
  MM_SSH_FORWARD: { summary: 'The host does not connect us to a socket of its own.' },
  MM_SSH_TRANSFER: { summary: 'A file or folder could not be copied to, from or between hosts.' },
  MM_MOUNT_POINT: { summary: 'The folder to mount on is missing, in use, not empty, or no folder.' },
  MM_MOUNT_SOURCE: { summary: 'What is to be mounted is no folder of the machine that its user may enter.' },
  MM_MOUNT: { summary: 'sshfs could not mount a folder of a machine.' },
  MM_UNMOUNT: { summary: 'A mount could not be taken down.' },
  MM_SSH_PROGRAM: { summary: 'A program of OpenSSH on this computer could not be started.' },
} as const;

export const sshError = errorsOf(sshErrors);
