/** QUIT (RFC 1939 4, 6): removes the messages marked as deleted, and ends the connection. */
import type { Pop3Command } from '../command.ts';
import { err, INTERNAL_ERROR, ok, type Response } from '../responses.ts';
import type { Pop3Session } from '../session.ts';

const GOODBYE = ok('Goodbye');

export const quit: Pop3Command = {
  name: 'QUIT',
  states: ['authorization', 'transaction'],
  bare: true,
  run(session) {
    session.end();
    return session.maildrop === null ? GOODBYE : update(session);
  },
};

/** All or nothing: when it can't be done the client is told, finds all its messages again, and may delete them then. */
async function update(session: Pop3Session): Promise<Response> {
  try {
    await session.noteFetched();
    const removed = await session.drop.commit();
    return removed === 0 ? GOODBYE : ok(`Goodbye; ${removed} messages deleted`);
  } catch (error) {
    const response = session.responseTo(error);
    return response === INTERNAL_ERROR
      ? err('[SYS/TEMP] The messages could not be deleted; all are still there')
      : response;
  }
}
