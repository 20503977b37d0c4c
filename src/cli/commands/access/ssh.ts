import type { Machine } from '../../../machine/machine.ts';
import { runOnTerminal, sshArgv } from '../../../ssh/system/openssh.ts';
import type { App } from '../../app.ts';
import { defineCommand, exit, oneName } from '../../command.ts';
import {
  CONNECTION_FAILED,
  runningMachine,
  sayUnsaid,
  systemTarget,
  usesNativeSsh,
} from '../../ssh-client.ts';

export const command = defineCommand({
  argument: '[name] [command...]',
  takes: ['machine', 'nothing'],
  description:
    'Arguments are a machine name and a command for it; without a command, a login. What follows the name goes to ssh as it\n' +
    "is, so its own options work, too. The exit status is the command's own.",
  examples: ['ssh host1', 'ssh host1 -- df -h', 'ssh host1 -L 8080:localhost:80'],
  flags: [],
  stopAtPositional: true,
  async run(app, { args }) {
    const name = await oneName(app, args.slice(0, 1));
    const words = args.slice(1);
    const machine = await runningMachine(app, name);
    if (await usesNativeSsh(app)) return exit(await nativeSsh(app, machine, words));
    const target = await systemTarget(app, machine);
    const [program, ...rest] = sshArgv(target, words);
    const config = app.globals['no-ssh-config'] ? ['-F', 'none'] : [];
    const status = await runOnTerminal(app.programs, [program, ...config, ...rest]);
    if (status === CONNECTION_FAILED) await sayUnsaid(app, target);
    return exit(status);
  },
});

async function nativeSsh(app: App, machine: Machine, words: readonly string[]): Promise<number> {
  const { runNativeTerminal } = await import('../../../ssh/native/terminal.ts');
  const connector = await app.ssh();
  const session = await connector.session(await systemTarget(app, machine), { signal: app.signal });
  const { stdin, stdout, stderr } = app.io;
  const pty = words[0] === '-t' ? 'always' : 'auto';
  const rest = words[0] === '-t' ? words.slice(1) : words;
  // OpenSSH reads the two dashes itself.
  const command = rest[0] === '--' ? rest.slice(1) : rest;
  const term = app.io.env['TERM'] ?? 'xterm';
  return runNativeTerminal(
    session,
    { stdin, stdout: stdout.stream, stderr: stderr.stream },
    { words: command, pty, term },
  );
}
