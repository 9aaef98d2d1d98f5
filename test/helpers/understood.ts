/** What the command line makes of a line that somebody types, without doing it. */
import assert from 'node:assert/strict';
import type { Command } from 'commander';
import { program } from '../../src/cli/program.ts';

/** Every command with its full name; the inner ones are groups of others. */
export function walk(command: Command, name = 'rainmail'): (readonly [name: string, command: Command])[] {
  return [
    [name, command],
    ...command.commands
      .filter((inner) => inner.name() !== 'help')
      .flatMap((inner) => walk(inner, `${name} ${inner.name()}`)),
  ];
}

export const isGroup = (command: Command) => command.commands.length > 0;

/** As a shell cuts them, up to a redirection. */
function words(line: string): string[] {
  return [...line.replace(/ [>|].*$/, '').matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, ...forms]) => forms.find((form) => form !== undefined)!,
  );
}

/** The command that a command line comes to. */
export async function parsed(line: string): Promise<string | undefined> {
  const whole = await program();
  let reached: string | undefined;
  for (const [name, command] of walk(whole)) {
    command.configureOutput({ writeErr: () => {} });
    if (isGroup(command)) continue;
    command.action(() => {
      reached = name;
    });
  }
  const [first, ...args] = words(line);
  assert.equal(first, 'rainmail', line);
  await whole.parseAsync(args, { from: 'user' });
  return reached;
}
