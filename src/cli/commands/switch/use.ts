import { defineCommand, refuseSurplus } from '../../command.ts';
import { cliError } from '../../errors.ts';
import { shellOfCaller } from '../../shells/detect.ts';
import { shellNamed } from '../../shells/syntaxes.ts';
import { functionShells, loadingLine } from '../../shells/use-function.ts';

/** The shell's function calls this for help alone: no program can change its shell. */
export const command = defineCommand({
  argument: '[name]',
  description:
    'Argument is a machine name. Switches this shell to the machine: its docker client then talks to it.\n' +
    'Works by a function of the shell, which "shell-init" prints.',
  examples: ['use host1', 'use --unset'],
  flags: [
    { name: 'unset', short: 'u', kind: 'bool', help: 'Go back: no machine is used' },
    { name: 'check', kind: 'bool', help: 'Ask the engine first, also when its address is on record' },
    { name: 'fast', kind: 'bool', help: 'Do not ask the engine first' },
    { name: 'swarm', kind: 'bool', help: 'Use the Swarm instead of the Docker daemon' },
    { name: 'no-proxy', kind: 'bool', help: 'Add machine IP to NO_PROXY environment variable' },
  ],
  async run(app, { args }) {
    refuseSurplus(args, 1);
    const detected = await shellOfCaller(app).catch(() => 'bash');
    const known = functionShells.find((shell) => shell === shellNamed(detected)) ?? 'bash';
    const { line, profile } = loadingLine(known, await app.invocation());
    throw cliError('MM_SHELL_FUNCTION', {
      message: `"use" works by a function of your shell, which is not loaded here, or did not see it behind other options`,
      hint: `Load it with \`${line}\`. Put that line into ${profile} to have it always. "use" comes first: "${app.program} use NAME".`,
    });
  },
});
