/** Arguments of STORE and UID STORE (RFC 9051 6.4.6, RFC 7162 3.1.3). */
import { BadCommand } from '../../errors.ts';
import { type FlagChange, type Flags, flagsFrom, MAX_KEYWORDS } from '../../store/flags.ts';
import type { Modseq } from '../../store/ids.ts';
import type { CommandReader } from './reader.ts';
import type { StoreRequest } from './types.ts';

export function storeRequest(reader: CommandReader): StoreRequest {
  const set = reader.space().sequenceSet();
  reader.space();
  const unchangedSince = reader.sees('(') ? unchangedSinceModifier(reader) : null;
  const how: FlagChange['how'] = reader.skip('+') ? 'add' : reader.skip('-') ? 'remove' : 'set';
  const name = reader.word();
  if (name !== 'FLAGS' && name !== 'FLAGS.SILENT') throw new BadCommand('STORE changes FLAGS');
  const flags = storeFlags(reader.space());
  return { set, change: { how, flags }, silent: name === 'FLAGS.SILENT', unchangedSince };
}

/** `(UNCHANGEDSINCE 12345) `. */
function unchangedSinceModifier(reader: CommandReader): Modseq {
  const [modseq] = reader.list(() => {
    if (!reader.skipWord('UNCHANGEDSINCE')) throw reader.expected('UNCHANGEDSINCE');
    return reader.space().modseq();
  });
  reader.space();
  return modseq!;
}

/** A list, or flags without parentheses. */
function storeFlags(reader: CommandReader): Flags {
  if (reader.sees('(')) return reader.flagList();
  const names: string[] = [];
  do names.push(reader.flag());
  while (names.length <= MAX_KEYWORDS && reader.skip(' '));
  return flagsFrom(names);
}
