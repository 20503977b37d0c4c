import type { CommandEntry, CommandGroup } from '../command.ts';

/**
 * Every verb in the order of the help, with the module that is
 * loaded when it is used. A group's files lie in its folder.
 */
export const commandGroups: readonly CommandGroup[] = [
  {
    folder: 'life',
    title: 'Life of a machine',
    entries: [
      {
        name: 'create',
        summary: 'Create a machine',
        load: async () => (await import('./life/create.ts')).createCommand,
      },
      {
        name: 'quickstart',
        summary: 'Make a first machine with the best driver for this computer',
        load: async () => (await import('./life/quickstart.ts')).quickstartCommand,
      },
      {
        name: 'start',
        summary: 'Start a machine',
        load: async () => (await import('./life/power.ts')).switchCommand('start'),
      },
      {
        name: 'stop',
        summary: 'Stop a machine',
        load: async () => (await import('./life/power.ts')).switchCommand('stop'),
      },
      {
        name: 'restart',
        summary: 'Restart a machine',
        load: async () => (await import('./life/power.ts')).switchCommand('restart'),
      },
      {
        name: 'kill',
        summary: 'Kill a machine',
        load: async () => (await import('./life/power.ts')).switchCommand('kill'),
      },
      { name: 'rm', summary: 'Remove a machine', load: async () => (await import('./life/rm.ts')).rmCommand },
    ],
  },
  {
    folder: 'access',
    title: 'Access to a machine',
    entries: [
      {
        name: 'ssh',
        summary: 'Log into or run a command on a machine with SSH.',
        load: async () => (await import('./access/ssh.ts')).sshCommand,
      },
      {
        name: 'scp',
        summary: 'Copy files between machines',
        load: async () => (await import('./access/scp.ts')).scpCommand,
      },
      {
        name: 'mount',
        summary: 'Mount or unmount a directory from a machine with SSHFS.',
        load: async () => (await import('./access/mount.ts')).mountCommand,
      },
      {
        name: 'ip',
        summary: 'Get the IP address of a machine',
        load: async () => (await import('./access/ip.ts')).ipCommand,
      },
      {
        name: 'url',
        summary: 'Get the URL of a machine',
        load: async () => (await import('./access/url.ts')).urlCommand,
      },
      {
        name: 'host-key',
        summary: 'Show the SSH host keys that are pinned for a machine, or forget them',
        load: async () => (await import('./access/host-key.ts')).hostKeyCommand,
      },
    ],
  },
  {
    folder: 'switch',
    title: 'Switching the docker client',
    entries: [
      {
        name: 'env',
        summary: 'Display the commands to set up the environment for the Docker client',
        load: async () => (await import('./switch/env.ts')).envCommand,
      },
      {
        name: 'use',
        summary: 'Switch this shell to a machine, or back',
        load: async () => (await import('./switch/use.ts')).useCommand,
      },
      {
        name: 'active',
        summary: 'Print which machine is active',
        load: async () => (await import('./switch/active.ts')).activeCommand,
      },
      {
        name: 'config',
        summary: 'Print the connection config for machine',
        load: async () => (await import('./switch/config.ts')).configCommand,
      },
      {
        name: 'shell-init',
        summary: 'Print the functions that let a shell switch between machines',
        load: async () => (await import('./switch/shell-init.ts')).shellInitCommand,
      },
    ],
  },
  {
    folder: 'engine',
    title: 'Docker Engine',
    entries: [
      {
        name: 'provision',
        summary: 'Re-provision existing machines',
        load: async () => (await import('./engine/provision.ts')).provisionCommand,
      },
      {
        name: 'upgrade',
        summary: 'Upgrade a machine to the latest version of Docker',
        load: async () => (await import('./engine/upgrade.ts')).upgradeCommand,
      },
      {
        name: 'regenerate-certs',
        summary: 'Regenerate TLS Certificates for a machine',
        load: async () => (await import('./engine/regenerate-certs.ts')).regenerateCertsCommand,
      },
    ],
  },
  {
    folder: 'upkeep',
    title: 'Upkeep',
    entries: [
      { name: 'ls', summary: 'List machines', load: async () => (await import('./upkeep/ls.ts')).lsCommand },
      {
        name: 'status',
        summary: 'Get the status of a machine',
        load: async () => (await import('./upkeep/status.ts')).statusCommand,
      },
      {
        name: 'inspect',
        summary: 'Inspect information about a machine',
        load: async () => (await import('./upkeep/inspect.ts')).inspectCommand,
      },
      {
        name: 'gc',
        summary: 'Find and remove what no machine of the store owns any more',
        load: async () => (await import('./upkeep/gc.ts')).gcCommand,
      },
      {
        name: 'image',
        summary: 'List, fetch, build and delete the images that machines are made of',
        load: async () => (await import('./upkeep/image.ts')).imageCommand,
      },
    ],
  },
  {
    folder: 'program',
    title: 'This program',
    entries: [
      {
        name: 'completion',
        summary: 'Print the script that completes commands, options and machines in a shell',
        load: async () => (await import('./program/completion.ts')).completionCommand(commandGroups),
      },
      {
        name: 'drivers',
        summary: 'List the drivers and whether they work on this computer',
        load: async () => (await import('./program/drivers.ts')).driversCommand,
      },
      {
        name: 'help',
        aliases: ['h'],
        summary: 'Shows a list of commands or help for one command',
        load: async () => (await import('./program/help.ts')).helpCommand,
      },
      {
        name: 'prefs',
        summary: 'Show and set what create takes when nothing else is said',
        load: async () => (await import('./program/prefs.ts')).prefsCommand,
      },
      {
        name: 'version',
        summary: 'Show the Docker Machine version or a machine docker version',
        load: async () => (await import('./program/version.ts')).versionCommand,
      },
    ],
  },
];

export const commandEntries: readonly CommandEntry[] = commandGroups.flatMap(({ entries }) => entries);
