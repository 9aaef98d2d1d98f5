/** ENABLE: the client says which extensions it understands (RFC 5161, RFC 9051 6.3.1). */
import { type Command, ok, signedIn } from '../command.ts';
import { enableCondstore } from '../condstore.ts';
import type { ImapSession } from '../session.ts';
import { NumberSet } from '../syntax/number-set.ts';

export const enable: Command<readonly string[]> = {
  name: 'ENABLE',
  states: signedIn,
  syntax: (reader) => {
    const names: string[] = [];
    do names.push(reader.space().atom().toUpperCase());
    while (reader.sees(' '));
    return names;
  },

  run(names, session) {
    const enabled = [...new Set(names)].filter((name) => enableOne(name, session));
    session.write(`* ENABLED${enabled.map((name) => ` ${name === 'IMAP4REV2' ? 'IMAP4rev2' : name}`).join('')}\r\n`);
    return ok('ENABLE completed');
  },
};

/** @returns false for what can't be enabled, which is ignored (RFC 5161 3.1) */
function enableOne(name: string, session: ImapSession): boolean {
  switch (name) {
    case 'IMAP4REV2':
      session.rev2 = true;
      if (session.selected !== null) session.selected.recent = NumberSet.EMPTY;
      return true;
    case 'CONDSTORE':
      enableCondstore(session);
      return true;
    default:
      return false;
  }
}
