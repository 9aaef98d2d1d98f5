import { Argument, Command } from 'commander';
import { bashScript } from './completion/bash.ts';
import { completionTree } from './completion/tree.ts';
import { zshScript } from './completion/zsh.ts';
import { type OutputOptions, print } from './output.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript } as const;

export function completionCommand(): Command {
  const command = new Command('completion')
    .description('print a script that completes commands, options and the names of the office, for your shell')
    .addArgument(new Argument('<shell>').choices(Object.keys(SCRIPTS)))
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nExample:\n  rainmail completion bash > /etc/bash_completion.d/rainmail')
    .action((shell: keyof typeof SCRIPTS, options: OutputOptions) => {
      const script = SCRIPTS[shell](completionTree(wholeOf(command)));
      print({ shell, script }, options, () => script.trimEnd());
    });
  return command;
}

function wholeOf(command: Command): Command {
  return command.parent === null ? command : wholeOf(command.parent);
}
