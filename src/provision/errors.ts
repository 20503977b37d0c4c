import { errorsOf } from '../base/machine-error.ts';

export const provisionErrors = {
  MM_PROVISION_UNSUPPORTED: { summary: 'The host runs an operating system that mymachine cannot provision.' },
  MM_PROVISION_SUDO: { summary: 'The login user of the host may not become root.' },
  MM_PROVISION_LOGIN: {
    summary: "The host's login user cannot run commands: its shell, account or password is in the way.",
  },
  MM_PROVISION_SUDO_PASSWORD: { summary: "The password for the login user's sudo was not accepted." },
  MM_PROVISION_NO_NETWORK: { summary: 'The host cannot reach what it must download.' },
  MM_PROVISION_DISK_FULL: { summary: 'A disk of the host has too little free space.' },
  MM_PROVISION_INSTALL: { summary: 'Installing the Docker Engine on the host failed.' },
  MM_PROVISION_REMOVAL: {
    summary: 'Installing the Docker Engine would remove packages of the host, which was not allowed.',
  },
  MM_UPGRADE: { summary: 'The Docker Engine of a host could not be upgraded; the message says what runs.' },
  MM_PROVISION_LOCKED: { summary: "Another program holds the host's package manager or its engine's setup." },
  MM_PROVISION_HOST: { summary: 'A command of the provisioning failed on the host.' },
  MM_ENGINE_VERSION: { summary: 'The wanted version of the Docker Engine is not on offer for the host.' },
  MM_ENGINE_OPTION: {
    summary: 'An option for the Docker Engine is not one, or has a value that it cannot have.',
  },
  MM_ENGINE_CONFIG_SYNTAX: { summary: "The host's daemon.json is not valid JSON." },
  MM_ENGINE_CONFIG_CONFLICT: { summary: "The engine's configuration on the host says otherwise than ours." },
  MM_ENGINE_START: { summary: 'The Docker Engine did not come up with its new configuration.' },
} as const;

export const provisionError = errorsOf(provisionErrors);
