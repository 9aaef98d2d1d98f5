/** Options that most commands share. */
import { resolve } from 'node:path';
import { Command, Option } from 'commander';

export interface CommonOptions {
  readonly data: string;
  readonly json?: boolean;
}

/** A command that works on a data directory, with an example in its help. */
export function officeCommand(name: string, description: string, example: string): Command {
  return new Command(name)
    .description(description)
    .addOption(dataOption())
    .option('--json', 'print the result as JSON')
    .addHelpText('after', `\nExample:\n  ${example}`);
}

/** `--data DIR`: the data directory, else RAINMAIL_DATA, else ./data. */
export function dataOption(): Option {
  return new Option('--data <dir>', 'data directory of the office')
    .env('RAINMAIL_DATA')
    .default(resolve('data'), './data')
    .argParser((path) => resolve(path || 'data')); // RAINMAIL_DATA may be empty
}
