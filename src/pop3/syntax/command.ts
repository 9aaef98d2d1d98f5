/** Command lines of POP3 (RFC 1939 3, RFC 2449 3). Pure. */
import { BadCommand } from '../../errors.ts';

export interface CommandLine {
  /** Upper case. */
  readonly keyword: string;
  /** What follows the keyword and one space, as it is: the spaces of a password count. One character a byte. */
  readonly args: string;
}

/** @param line without its CRLF */
export function parseCommand(line: Buffer): CommandLine {
  const text = line.toString('latin1');
  const space = text.indexOf(' ');
  if (space === -1) return { keyword: text.toUpperCase(), args: '' };
  return { keyword: text.slice(0, space).toUpperCase(), args: text.slice(space + 1) };
}

/** The arguments of a command that takes some, all numbers. @throws BadCommand when there are more or less, or others */
export function parseNumbers(args: string, count: number): number[] {
  const words = args.trim().split(/ +/);
  if (words.length !== count || !words.every((word) => /^\d{1,10}$/.test(word))) {
    throw new BadCommand(
      count === 1 ? 'One message number is needed' : 'A message number and a number of lines are needed',
    );
  }
  return words.map(Number);
}
