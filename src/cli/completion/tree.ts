/** What can be completed, read off the commands themselves. */
import type { Argument, Command, Option } from 'commander';
import { POLICY_NAMES, POLICY_SETTINGS } from '../../directory/access/settings.ts';

/** Where the values of an argument or an option come from. `none`: nobody knows but the person. */
export type ValueKind = NameKind | 'file' | 'directory' | 'choice' | 'none';

/** The kinds that are asked of the office: `rainmail __complete KIND`. */
export const NAME_KINDS = ['account', 'address', 'alias', 'domain', 'group', 'destination'] as const;
export type NameKind = (typeof NAME_KINDS)[number];

export interface CompletedValue {
  readonly name: string;
  readonly kind: ValueKind;
  /** Of the kind `choice`. */
  readonly choices: readonly string[];
  readonly variadic: boolean;
}

export interface CompletedOption {
  /** `--quota`. */
  readonly flag: string;
  readonly description: string;
  /** Null: it stands alone. */
  readonly value: CompletedValue | null;
}

export interface CompletedCommand {
  /** From the program's name on, without it: `['account', 'add']`. */
  readonly path: readonly string[];
  readonly description: string;
  readonly commands: readonly CompletedCommand[];
  readonly options: readonly CompletedOption[];
  readonly values: readonly CompletedValue[];
}

/** By what the help calls them. */
const KINDS: Readonly<Record<string, ValueKind>> = {
  account: 'account',
  accounts: 'account',
  address: 'address',
  domain: 'domain',
  group: 'group',
  destination: 'destination',
  file: 'file',
  path: 'file',
  files: 'file',
  paths: 'file',
  dir: 'directory',
  directory: 'directory',
};

/** Words that are known without an office, by what the help calls them; others may be written, too. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  settings: POLICY_NAMES,
  assignments: POLICY_SETTINGS.flatMap(({ name, choices }) => choices.map((value) => `${name}=${value}`)),
};

/** The tree of a command and all below it. Hidden commands and options are left out. */
export function completionTree(command: Command, path: readonly string[] = []): CompletedCommand {
  const help = command.createHelp();
  const { commands, options } = { commands: help.visibleCommands(command), options: help.visibleOptions(command) };
  return {
    path,
    description: command.description(),
    commands: commands
      .filter((inner) => inner.name() !== 'help')
      .map((inner) => completionTree(inner, [...path, inner.name()])),
    options: options.filter(({ long }) => long !== undefined).map(completedOption),
    values: command.registeredArguments.map((argument) => completedValue(argument, path)),
  };
}

/** The tree as a list, the whole before its parts. */
export function flattened(tree: CompletedCommand): CompletedCommand[] {
  return [tree, ...tree.commands.flatMap(flattened)];
}

function completedOption(option: Option): CompletedOption {
  const { long, description, flags, required, optional, variadic, argChoices = [] } = option;
  const name = /[<[]([^.>\]]+)/.exec(flags)?.[1] ?? '';
  const value = required || optional ? completedBy(name, argChoices, variadic) : null;
  return { flag: long!, description, value };
}

/** The first address of `account remove` is an account, that of `alias remove` an alias. */
function completedValue(argument: Argument, [subject]: readonly string[]): CompletedValue {
  const value = completedBy(argument.name(), argument.argChoices ?? WORDS[argument.name()] ?? [], argument.variadic);
  const own = subject === 'account' || subject === 'alias' ? subject : 'address';
  return value.kind === 'address' ? { ...value, kind: own } : value;
}

function completedBy(name: string, choices: readonly string[], variadic: boolean): CompletedValue {
  return { name, kind: choices.length > 0 ? 'choice' : (KINDS[name] ?? 'none'), choices, variadic };
}
