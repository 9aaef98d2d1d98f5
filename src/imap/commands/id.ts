/** ID: who is at each end (RFC 2971). */
import { BadCommand } from '../../errors.ts';
import { anyState, type Command, ok } from '../command.ts';
import type { CommandReader } from '../syntax/reader.ts';

const MAX_FIELDS = 30; // RFC 2971 3.3
const MAX_NAME = 30;
const MAX_VALUE = 1024;
/** Characters kept of what a client calls itself. */
const MOST_CALLED = 80;

export const id: Command<ReadonlyMap<string, string>> = {
  name: 'ID',
  states: anyState,
  syntax: (reader) => parameters(reader.space()),

  run(client, session) {
    const { connection, context } = session;
    if (client.size > 0) {
      connection.client = called(client);
      context.log.debug(
        { connection: connection.id, client: client.get('name'), version: client.get('version') },
        'ID',
      );
    }
    session.write('* ID ("name" "Rainmail")\r\n');
    return ok('ID completed');
  },
};

/** Its name and version, copied: a part of the command would keep the whole of it. */
function called(client: ReadonlyMap<string, string>): string {
  const text = [client.get('name'), client.get('version')].filter((part) => part !== undefined).join(' ');
  return Buffer.from(text.slice(0, MOST_CALLED), 'latin1').toString();
}

/** `NIL` or `("name" "value" ...)`; names lower case, fields without a value left out. */
function parameters(reader: CommandReader): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  if (reader.skipWord('NIL')) return fields;
  let count = 0;
  reader.list(() => {
    if (++count > MAX_FIELDS) throw new BadCommand(`ID has at most ${MAX_FIELDS} fields`);
    const name = reader.string().toLowerCase();
    const value = reader.space().nstring();
    if (name.length > MAX_NAME || (value?.length ?? 0) > MAX_VALUE) throw new BadCommand('a field of ID is too long');
    if (value !== null) fields.set(name, value);
  }, true);
  return fields;
}
