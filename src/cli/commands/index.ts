import type { CommandEntry, CommandGroup } from '../command.ts';

/** Every verb in the order of the help. A group's modules lie in its folder. */
export const commandGroups: readonly CommandGroup[] = [
  {
    folder: 'life',
    title: 'Life of a machine',
    entries: [
      { name: 'create', summary: 'Create a machine', load: () => import('./life/create.ts') },
      {
        name: 'quickstart',
        summary: 'Make a first machine with the best driver for this computer',
        load: () => import('./life/quickstart.ts'),
      },
      {
        name: 'start',
        summary: 'Start a machine',
        load: async () => ({ command: (await import('./life/power.ts')).switchCommand('start') }),
      },
      {
        name: 'stop',
        summary: 'Stop a machine',
        load: async () => ({ command: (await import('./life/power.ts')).switchCommand('stop') }),
      },
      {
        name: 'restart',
        summary: 'Restart a machine',
        load: async () => ({ command: (await import('./life/power.ts')).switchCommand('restart') }),
      },
      {
        name: 'kill',
        summary: 'Kill a machine',
        load: async () => ({ command: (await import('./life/power.ts')).switchCommand('kill') }),
      },
      { name: 'rm', summary: 'Remove a machine', load: () => import('./life/rm.ts') },
    ],
  },
  {
    folder: 'access',
    title: 'Access to a machine',
    entries: [
      {
        name: 'ssh',
        summary: 'Log into or run a command on a machine with SSH.',
        load: () => import('./access/ssh.ts'),
      },
      { name: 'scp', summary: 'Copy files between machines', load: () => import('./access/scp.ts') },
      {
        name: 'mount',
        summary: 'Mount or unmount a directory from a machine with SSHFS.',
        load: () => import('./access/mount.ts'),
      },
      { name: 'ip', summary: 'Get the IP address of a machine', load: () => import('./access/ip.ts') },
      { name: 'url', summary: 'Get the URL of a machine', load: () => import('./access/url.ts') },
      {
        name: 'host-key',
        summary: 'Show the SSH host keys that are pinned for a machine, or forget them',
        load: () => import('./access/host-key.ts'),
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
        load: () => import('./switch/env.ts'),
      },
      {
        name: 'use',
        summary: 'Switch this shell to a machine, or back',
        load: () => import('./switch/use.ts'),
      },
      { name: 'active', summary: 'Print which machine is active', load: () => import('./switch/active.ts') },
      {
        name: 'config',
        summary: 'Print the connection config for machine',
        load: () => import('./switch/config.ts'),
      },
      {
        name: 'shell-init',
        summary: 'Print the functions that let a shell switch between machines',
        load: () => import('./switch/shell-init.ts'),
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
        load: () => import('./engine/provision.ts'),
      },
      {
        name: 'upgrade',
        summary: 'Upgrade a machine to the latest version of Docker',
        load: () => import('./engine/upgrade.ts'),
      },
      {
        name: 'regenerate-certs',
        summary: 'Regenerate TLS Certificates for a machine',
        load: () => import('./engine/regenerate-certs.ts'),
      },
    ],
  },
  {
    folder: 'upkeep',
    title: 'Upkeep',
    entries: [
      { name: 'ls', summary: 'List machines', load: () => import('./upkeep/ls.ts') },
      { name: 'status', summary: 'Get the status of a machine', load: () => import('./upkeep/status.ts') },
      {
        name: 'inspect',
        summary: 'Inspect information about a machine',
        load: () => import('./upkeep/inspect.ts'),
      },
      {
        name: 'gc',
        summary: 'Find and remove what no machine of the store owns any more',
        load: () => import('./upkeep/gc.ts'),
      },
      {
        name: 'image',
        summary: 'List, fetch, build and delete the images that machines are made of',
        load: () => import('./upkeep/image.ts'),
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
        load: async () => ({
          command: (await import('./program/completion.ts')).completionCommand(commandGroups),
        }),
      },
      {
        name: 'drivers',
        summary: 'List the drivers and whether they work on this computer',
        load: () => import('./program/drivers.ts'),
      },
      {
        name: 'help',
        aliases: ['h'],
        summary: 'Shows a list of commands or help for one command',
        load: () => import('./program/help.ts'),
      },
      {
        name: 'prefs',
        summary: 'Show and set what create takes when nothing else is said',
        load: () => import('./program/prefs.ts'),
      },
      {
        name: 'version',
        summary: 'Show the Docker Machine version or a machine docker version',
        load: () => import('./program/version.ts'),
      },
    ],
  },
];

export const commandEntries: readonly CommandEntry[] = commandGroups.flatMap(({ entries }) => entries);
