import { builtInDrivers } from '../../../drivers/registry.ts';
import { type Command, type CommandGroup, text } from '../../command.ts';
import { bashCompletion } from '../../completion/bash.ts';
import { fishCompletion } from '../../completion/fish.ts';
import { powershellCompletion } from '../../completion/powershell.ts';
import { type CompletionTable, completionTable } from '../../completion/table.ts';
import { zshCompletion } from '../../completion/zsh.ts';
import { cliError } from '../../errors.ts';
import { readReference } from '../../reference/reference.ts';

const scripts: Readonly<Record<string, (table: CompletionTable) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
  powershell: powershellCompletion,
};

const shells = Object.keys(scripts);

export function completionCommand(groups: readonly CommandGroup[]): Command {
  return {
    argument: 'SHELL',
    takes: [shells],
    description:
      `Prints a script that lets the shell complete commands, options and machines. Shells: ${shells.join(', ')}.\n` +
      'The script asks nothing of the program: machines are found by their folders. It serves the name docker-machine, too.\n' +
      ' bash needs the package bash-completion for a file of its own; else put into ~/.bashrc: source <(mymachine completion bash)\n' +
      ' zsh needs the folder in fpath before compinit: fpath=(~/.zsh/completions $fpath)',
    examples: [
      'completion bash > ~/.local/share/bash-completion/completions/mymachine',
      'completion zsh > ~/.zsh/completions/_mymachine',
      'completion fish > ~/.config/fish/completions/mymachine.fish',
      'completion powershell >> $PROFILE',
    ],
    flags: [],
    async run(app, { args }) {
      const [shell = ''] = args;
      const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
      if (script === undefined || args.length > 1) {
        throw cliError('MM_USAGE', {
          message: `Completion takes the name of a shell: ${shells.join(', ')}`,
          hint: `Such as "source <(${app.program} completion bash)".`,
        });
      }
      return text(script(completionTable(await readReference(groups, builtInDrivers()))));
    },
  };
}
