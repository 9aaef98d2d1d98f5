/** Parses a whole command as a session does, without one. */
import { commandNamed } from '../../../src/imap/commands/all.ts';
import { commandHead } from '../../../src/imap/syntax/command-head.ts';
import { CommandReader } from '../../../src/imap/syntax/reader.ts';

/** The arguments of a command, given without its tag: `FETCH 1 FLAGS`. @throws BadCommand */
export function parse(text: string, utf8 = false): unknown {
  const line = `a1 ${text}`;
  const { name, argumentsAt } = commandHead(line);
  const command = commandNamed(name);
  if (command === undefined) throw new Error(`no such command: ${name}`);
  const reader = new CommandReader(line, argumentsAt, utf8);
  const args = command.syntax(reader);
  if (command.leavesLiteral === undefined) reader.end();
  return args;
}

/** The same by one function of the syntax, which begins at the space before the arguments. */
export function parseWith<T>(syntax: (reader: CommandReader) => T, text: string, utf8 = false): T {
  const reader = new CommandReader(` ${text}`, 0, utf8);
  const args = syntax(reader);
  reader.end();
  return args;
}
