/** Tag and name of a command (RFC 9051 9, command). */
import { BadCommand } from '../../errors.ts';

export interface CommandHead {
  readonly tag: string;
  /** Upper case; `UID` and the name after it together: `UID FETCH`. Empty when there is none. */
  readonly name: string;
  /** Where the arguments begin in the line: at the space before them, or at its end. */
  readonly argumentsAt: number;
}

// tag = 1*<any ASTRING-CHAR except "+">
const TAG = /^[^\x00-\x20\x7f-\xff(){%*"\\+]{1,64}(?= |$)/;
const NAME = / (uid )?([a-z][a-z0-9-]{0,31})(?= |$)/iy;

/** The tag at the beginning of a line; `*`, which answers nobody in particular, when there is none. */
export function tagOf(line: string): string {
  return TAG.exec(line)?.[0] ?? '*';
}

/** @throws BadCommand when the line has no tag */
export function commandHead(line: string): CommandHead {
  const tag = TAG.exec(line)?.[0];
  if (tag === undefined) throw new BadCommand('a command begins with a tag');
  NAME.lastIndex = tag.length;
  const found = NAME.exec(line);
  if (found === null) return { tag, name: '', argumentsAt: line.length };
  const name = found[2]!.toUpperCase();
  return { tag, name: found[1] === undefined ? name : `UID ${name}`, argumentsAt: NAME.lastIndex };
}
