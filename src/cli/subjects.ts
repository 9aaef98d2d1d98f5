/** Whom something is set for: the account, the group, the domain or everyone, as the command line and its texts name them. */
import { Command } from 'commander';
import type { SubjectScope } from '../directory/types.ts';

/** A scope, the name of its argument, and an example. */
export type SubjectArgument = readonly [scope: SubjectScope, argument: string | undefined, example: string];

const SUBJECTS: readonly SubjectArgument[] = [
  ['account', '<address>', ' anna@example.org'],
  ['group', '<group>', ' Sales'],
  ['domain', '<domain>', ' example.org'],
  ['everyone', undefined, ''],
];

/** A command with an inner one for each scope. */
export function perScope(name: string, description: string, make: (...subject: SubjectArgument) => Command): Command {
  const command = new Command(name).description(description);
  for (const subject of SUBJECTS) command.addCommand(make(...subject));
  return command;
}

/** `everyone in the group`, before its name. */
export function whom(scope: SubjectScope): string {
  return {
    account: 'the account',
    group: 'everyone in the group',
    domain: 'everyone in the domain',
    everyone: 'everyone',
  }[scope];
}

/** For the beginning of a line: `Everyone in the group Sales`. */
export function beginningWith({ scope, name }: { readonly scope: SubjectScope; readonly name: string }): string {
  return { account: name, group: `Everyone in the group ${name}`, domain: `Everyone in ${name}`, everyone: 'Everyone' }[
    scope
  ];
}
