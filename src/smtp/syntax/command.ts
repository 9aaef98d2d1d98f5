/** Command lines and parameters (RFC 5321 4.1.1, 4.1.2). Pure. */
import { BadCommand } from '../../errors.ts';

export interface CommandLine {
  /** Upper case. */
  readonly verb: string;
  /** What follows the verb, without white space around it; one character a byte. */
  readonly args: string;
}

/** @param line without its CRLF */
export function parseCommand(line: Buffer): CommandLine {
  const text = line.toString('latin1');
  const space = text.indexOf(' ');
  if (space === -1) return { verb: text.toUpperCase(), args: '' };
  return { verb: text.slice(0, space).toUpperCase(), args: text.slice(space + 1).trim() };
}

/** What follows `FROM:` or `TO:`; white space after the colon, which the RFC does not allow, harms nobody. @throws BadCommand */
export function afterKeyword(args: string, keyword: 'FROM:' | 'TO:'): string {
  if (args.slice(0, keyword.length).toUpperCase() !== keyword) throw new BadCommand(`${keyword}<address> is missing`);
  return args.slice(keyword.length).trimStart();
}

/** Names in upper case; a parameter without `=` has the value null. */
export type Parameters = ReadonlyMap<string, string | null>;

/** More parameters than all extensions have together. */
const MOST_PARAMETERS = 20;
const PARAMETER = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^\x00-\x20=\x7f]+))?$/;
const NONE: Parameters = new Map();

/** The parameters of MAIL and RCPT. @throws BadCommand */
export function parseParameters(text: string): Parameters {
  if (text === '') return NONE;
  const words = text.split(/ +/, MOST_PARAMETERS + 1);
  if (words.length > MOST_PARAMETERS) throw new BadCommand('Too many parameters');
  const parameters = new Map<string, string | null>();
  for (const word of words) {
    const match = PARAMETER.exec(word);
    if (match === null) throw new BadCommand('A parameter is malformed');
    const name = match[1]!.toUpperCase();
    if (parameters.has(name)) throw new BadCommand(`The parameter ${name} stands there twice`);
    parameters.set(name, match[2] ?? null);
  }
  return parameters;
}

/** An octet count: digits only, and not more than can be counted exactly. Null for anything else. */
export function parseSize(text: string): number | null {
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}
