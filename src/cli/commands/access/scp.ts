import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { baseError } from '../../../base/errors.ts';
import type { CopySide } from '../../../ssh/contract.ts';
import { copyConfig, rsyncArgv, runOnTerminal, scpArgv } from '../../../ssh/system/openssh.ts';
import type { App } from '../../app.ts';
import { defineCommand, done, exit } from '../../command.ts';
import { cliError } from '../../errors.ts';
import {
  CONNECTION_FAILED,
  type CopyPath,
  everywhere,
  installHint,
  parseCopyPath,
  runningMachine,
  sayUnsaid,
  systemTarget,
  usesNativeSsh,
} from '../../ssh-client.ts';

/** rsync(1): 12 when its other end broke off, or 127 when it got to know that there is none. */
const NO_RSYNC_THERE = [12, 127];

export const command = defineCommand({
  argument: '[[user@]machine:]path [[user@]machine:]path',
  description:
    'Copies from the first to the second; each is on this computer or on a machine. A path of a machine that does not begin\n' +
    "with / starts at its user's home; one of this computer with a colon in it is written ./like:this.",
  examples: [
    'scp notes.txt host1:',
    'scp -r host1:/etc/apt ./apt',
    'scp host1:/etc/motd host2:/tmp/',
    'scp -r -d ./site/ host1:site',
  ],
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
      throw cliError('MM_ARGUMENTS', {
        message: 'Improper number of arguments',
        hint: 'Give a source and a destination.',
      });
    }
    const paths = [parseCopyPath(from, app.io.platform), parseCopyPath(to, app.io.platform)] as const;
    if (flags.delta) await checkDelta(app, paths);
    const source = await sideOf(app, paths[0]);
    const destination = await sideOf(app, paths[1]);
    const natively = (await usesNativeSsh(app)) || (await app.programs.find('scp')) === undefined;
    if (!natively || flags.delta) return exit(await copyBySystem(app, source, destination, flags));
    const { copyOverSftp } = await import('../../../ssh/native/sftp.ts');
    const options = { recursive: flags.recursive, signal: app.signal };
    await copyOverSftp(await app.ssh(), source, destination, options);
    return done;
  },
});

/** What rsync cannot do is said before any machine is asked. */
async function checkDelta(app: App, [from, to]: readonly [CopyPath, CopyPath]): Promise<void> {
  if (from.machine !== undefined && to.machine !== undefined) {
    throw cliError('MM_ARGUMENTS', {
      message: '--delta works by rsync, which does not copy from one machine to another',
      hint: `Leave out --delta, or go by way of this computer: "${app.program} scp -r -d ${from.machine}:FOLDER/ ./FOLDER", then "${app.program} scp -r -d ./FOLDER/ ${to.machine}:FOLDER".`,
    });
  }
  if (app.globals['native-ssh']) {
    throw cliError('MM_ARGUMENTS', {
      message: "--delta works by rsync over the system's ssh, which --native-ssh does without",
      hint: 'Leave out one of the two.',
    });
  }
  if ((await app.programs.find('rsync')) === undefined) {
    throw baseError('MM_PROGRAM_MISSING', {
      message: 'You must have a copy of the rsync binary locally to use the --delta option',
      hint: await installHint(app, 'rsync', everywhere('rsync')),
    });
  }
}

async function sideOf(app: App, { machine, user, path }: CopyPath): Promise<CopySide> {
  if (machine === undefined) return { kind: 'local', path };
  const known = await systemTarget(app, await runningMachine(app, machine));
  const target = user === undefined ? known : { ...known, user };
  const config = await app.deps.sshConfig?.(target);
  const isNamed = config !== undefined && config.hostName.toLowerCase() !== target.host.toLowerCase();
  return { kind: 'machine', target, path, isNamed };
}

/** Each side's port, key and known hosts stand in a configuration of this one copy. */
async function copyBySystem(
  app: App,
  from: CopySide,
  to: CopySide,
  flags: { readonly recursive: boolean; readonly quiet: boolean; readonly delta: boolean },
): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'mymachine-scp-'));
  try {
    const configPath = join(folder, 'ssh_config');
    const userConfigs = app.globals['no-ssh-config']
      ? []
      : [join(app.io.homeDir, '.ssh', 'config'), '/etc/ssh/ssh_config'];
    await writeFile(configPath, copyConfig(from, to, userConfigs), { mode: 0o600 });
    const options = { configPath, recursive: flags.recursive, quiet: flags.quiet };
    const isDelta = flags.delta;
    const status = await runOnTerminal(app.programs, (isDelta ? rsyncArgv : scpArgv)(from, to, options));
    // Ctrl-C has ended it as well, with a status of its own; we may be told a moment after its end.
    if (status !== 0) await app.deps.clock.sleep(100, app.signal);
    if (![CONNECTION_FAILED, ...NO_RSYNC_THERE].includes(status)) return status;
    for (const side of [from, to]) {
      if (side.kind === 'local') continue;
      // scp -q silences ssh as well. rsync -q does not.
      if (await sayUnsaid(app, side.target, flags.quiet && !isDelta)) return status;
      if (!isDelta || status === CONNECTION_FAILED) continue;
      const name = side.target.machineName;
      app.report.warn(
        `Hint: rsync must be on the machine, too: "${app.program} ssh ${name} sudo apt-get install rsync"`,
      );
    }
    return status;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
