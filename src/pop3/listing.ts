/** LIST and UIDL of a whole mailbox: a line for each message, some at a time, however many there are. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ok, type Response } from './responses.ts';
import type { Pop3Session } from './session.ts';

/** Lines made in one turn of the event loop: well under a millisecond. */
const LINES_A_TURN = 1_000;

/** @param about what the first line says @param item what stands after the message's number */
export async function listing(
  { connection, drop }: Pop3Session,
  about: string,
  item: (index: number) => string | number,
): Promise<Response> {
  const { length } = drop.list;
  let text = ok(about);
  for (let index = 0; index < length; index += 1) {
    if (!drop.isMarked(index)) text += `${index + 1} ${item(index)}\r\n`;
    if (index % LINES_A_TURN !== LINES_A_TURN - 1) continue;
    connection.write(text);
    text = '';
    await (connection.drained() ?? nextTurn());
    if (connection.closed) return '';
  }
  return `${text}.\r\n`;
}
