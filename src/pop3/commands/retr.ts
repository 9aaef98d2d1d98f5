/** RETR (RFC 1939 5): sends a message. It is not marked as seen: a POP3 client keeps that for itself. */
import { STREAM_ABOVE } from '../../store/api.ts';
import type { Pop3Command } from '../command.ts';
import { ok, type Response } from '../responses.ts';
import { sendInChunks } from '../send.ts';
import type { Pop3Session } from '../session.ts';
import { parseNumbers } from '../syntax/command.ts';
import { DotStuffer } from '../syntax/dot-stuffer.ts';

export const retr: Pop3Command = {
  name: 'RETR',
  states: ['transaction'],
  run(session, args) {
    const [number] = parseNumbers(args, 1);
    return send(session, session.drop.indexOf(number!));
  },
};

async function send(session: Pop3Session, index: number): Promise<Response> {
  const { connection, context, drop } = session;
  const record = await drop.record(index);
  const heading = ok(`${drop.list.size(index)} octets`);
  if (record.body.length > STREAM_ABOVE) {
    const chunks = context.store.bodyChunks(drop.account, record.email, record.body, { reuse: true });
    const response = await sendInChunks(session, heading, record.prefix, chunks);
    if (!connection.closed) drop.noteFetched(index);
    return response;
  }
  const body = await drop.body(index, record);
  const stuffer = new DotStuffer();
  connection.write(heading);
  connection.write(stuffer.push(record.prefix));
  connection.write(stuffer.push(body));
  connection.write(stuffer.finish());
  drop.noteFetched(index);
  return '';
}
