import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runOnTerminal } from '../../ssh/interactive.ts';
import { type CopySide, copyConfig, rsyncArgv, scpArgv } from '../../ssh/openssh.ts';
import type { App } from '../app.ts';
import { usageError } from '../args/errors.ts';
import type { Flags } from '../args/spec.ts';
import type { Command } from '../command.ts';
import { localSide, parseCopyPath } from '../copy-paths.ts';
import { runningMachine, usesNativeSsh } from './ssh.ts';

export const scpCommand: Command = {
  argument: '[[user@]machine:]path [[user@]machine:]path',
  description: 'Copies from the first to the second; each is on this computer or on a machine.',
  examples: ['scp notes.txt host1:', 'scp -r host1:/var/log ./logs', 'scp host1:/etc/motd host2:/tmp/'],
  flags: [
    {
      name: 'recursive',
      short: 'r',
      kind: 'bool',
      help: 'Copy files recursively (required to copy directories)',
    },
    {
      name: 'delta',
      short: 'd',
      kind: 'bool',
      help: 'Reduce amount of data sent over network by sending only the differences (uses rsync)',
    },
    {
      name: 'quiet',
      short: 'q',
      kind: 'bool',
      help: 'Disables the progress meter as well as warning and diagnostic messages from ssh',
    },
  ],
  async run(app, { flags, args }) {
    const [from, to] = args;
    if (from === undefined || to === undefined || args.length > 2) {
      throw usageError('MM_USAGE', {
        message: 'Improper number of arguments',
        hint: 'scp takes a source and a destination.',
      });
    }
    const source = await sideOf(app, from);
    const destination = await sideOf(app, to);
    if (await usesNativeSsh(app)) return copyNatively(app, source, destination, flags);
    return copyBySystem(app, source, destination, flags);
  },
};

async function sideOf(app: App, text: string): Promise<CopySide> {
  const { machine, user, path } = parseCopyPath(text, app.io.platform);
  if (machine === undefined) return localSide(path);
  const target = await (await runningMachine(app, machine)).sshTarget();
  return { kind: 'machine', target: user === undefined ? target : { ...target, user }, path };
}

/** Each side's port, key and known hosts stand in a configuration of this one copy. */
async function copyBySystem(app: App, from: CopySide, to: CopySide, flags: Flags): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'mymachine-scp-'));
  try {
    const configPath = join(folder, 'ssh_config');
    const userConfigs = app.globals.bool('no-ssh-config')
      ? []
      : [join(app.io.homeDir, '.ssh', 'config'), '/etc/ssh/ssh_config'];
    await writeFile(configPath, copyConfig(from, to, userConfigs), { mode: 0o600 });
    const options = { configPath, recursive: flags.bool('recursive'), quiet: flags.bool('quiet') };
    return await runOnTerminal(
      flags.bool('delta') ? rsyncArgv(from, to, options) : scpArgv(from, to, options),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function copyNatively(app: App, from: CopySide, to: CopySide, flags: Flags): Promise<number> {
  const { copyOverSftp } = await import('../../ssh/transfer.ts');
  await copyOverSftp(await app.ssh(), from, to, { recursive: flags.bool('recursive'), signal: app.signal });
  return 0;
}
