/** Arguments of LIST, basic and extended (RFC 9051 6.3.9, RFC 3501 6.3.8, RFC 5258, RFC 5819, RFC 6154 2). */
import { BadCommand } from '../../errors.ts';
import { decodeModifiedUtf7, decodeUtf8 } from './mailbox-name.ts';
import type { CommandReader } from './reader.ts';
import { statusItems } from './status.ts';
import type { ListRequest, StatusItem } from './types.ts';

const MAX_PATTERNS = 100;

export function listRequest(reader: CommandReader): ListRequest {
  reader.space();
  const options = reader.sees('(') ? reader.list((list) => list.word(), true) : null;
  if (options !== null) reader.space();
  const reference = reader.mailboxOrEmpty();
  reader.space();
  const several = reader.sees('(');
  const patterns = (several ? reader.list(pattern) : [pattern(reader)]).slice();
  if (patterns.length > MAX_PATTERNS) throw new BadCommand('too many patterns');
  const returning = reader.skip(' ') ? listReturn(reader) : null;
  return {
    reference,
    patterns,
    extended: options !== null || several || returning !== null,
    select: selection(options ?? []),
    returns: returning ?? { subscribed: false, children: false, specialUse: false, status: null },
  };
}

/** Arguments of LSUB (RFC 3501 6.3.9). */
export function lsubRequest(reader: CommandReader): { readonly reference: string; readonly pattern: string } {
  const reference = reader.space().mailboxOrEmpty();
  return { reference, pattern: pattern(reader.space()) };
}

/** A pattern in Unicode; one that is malformed can match nothing but itself, so it stays as it is. */
function pattern(reader: CommandReader): string {
  const bytes = reader.listMailbox();
  const text = (reader.utf8 ? null : decodeModifiedUtf7(bytes)) ?? decodeUtf8(bytes) ?? bytes;
  return text.normalize('NFC');
}

function selection(options: readonly string[]): ListRequest['select'] {
  for (const option of options) {
    if (!['SUBSCRIBED', 'REMOTE', 'RECURSIVEMATCH', 'SPECIAL-USE'].includes(option)) {
      throw new BadCommand(`${option} is not a selection option we know`);
    }
  }
  const select = {
    subscribed: options.includes('SUBSCRIBED'),
    remote: options.includes('REMOTE'),
    recursiveMatch: options.includes('RECURSIVEMATCH'),
    specialUse: options.includes('SPECIAL-USE'),
  };
  if (select.recursiveMatch && !select.subscribed && !select.specialUse) {
    throw new BadCommand('RECURSIVEMATCH needs another selection option'); // RFC 9051 6.3.9.1
  }
  return select;
}

/** `RETURN (CHILDREN STATUS (MESSAGES))`. */
function listReturn(reader: CommandReader): ListRequest['returns'] {
  if (!reader.skipWord('RETURN')) throw reader.expected('RETURN');
  let status: readonly StatusItem[] | null = null;
  const options = reader.space().list(() => {
    const option = reader.word();
    if (option === 'STATUS') status = statusItems(reader.space());
    else if (!['SUBSCRIBED', 'CHILDREN', 'SPECIAL-USE'].includes(option)) {
      throw new BadCommand(`${option} is not a RETURN option we know`);
    }
    return option;
  }, true);
  return {
    subscribed: options.includes('SUBSCRIBED'),
    children: options.includes('CHILDREN'),
    specialUse: options.includes('SPECIAL-USE'),
    status,
  };
}
