/** RETR (RFC 1939 5): sends a message. It is not marked as seen: a POP3 client keeps that for itself. */
import { DotStuffer } from '../../message/dot-stuffer.ts';
import { STREAM_ABOVE } from '../../store/api.ts';
import type { BodyRecord } from '../../store/types.ts';
import type { Pop3Command } from '../command.ts';
import { ok, type Response } from '../responses.ts';
import { sendInChunks } from '../send.ts';
import type { Pop3Session } from '../session.ts';
import { parseNumbers } from '../syntax/command.ts';

export const retr: Pop3Command = {
  name: 'RETR',
  states: ['transaction'],
  run(session, args) {
    const [number] = parseNumbers(args, 1);
    return send(session, session.drop.indexOf(number!));
  },
};

/** What was read ahead goes out at once: a client that asks for one message after the other waits for nothing but us. */
function send(session: Pop3Session, index: number): Response | Promise<Response> {
  const record = session.drop.record(index);
  return record instanceof Promise
    ? record.then((found) => sendRecord(session, index, found))
    : sendRecord(session, index, record);
}

function sendRecord(session: Pop3Session, index: number, record: BodyRecord): Response | Promise<Response> {
  if (record.body.length > STREAM_ABOVE) return sendLarge(session, index, record);
  const body = session.drop.body(index, record);
  return body instanceof Promise
    ? body.then((bytes) => sendWhole(session, index, record, bytes))
    : sendWhole(session, index, record, body);
}

async function sendLarge(session: Pop3Session, index: number, record: BodyRecord): Promise<Response> {
  const { connection, context, drop } = session;
  const chunks = context.store.bodies.chunks(drop.account, record.email, record.body, { reuse: true });
  const response = await sendInChunks(session, heading(session, index), record.prefix, chunks);
  if (!connection.closed) drop.noteFetched(index);
  return response;
}

function sendWhole(session: Pop3Session, index: number, record: BodyRecord, body: Buffer): Response {
  const { connection, drop } = session;
  const stuffer = new DotStuffer();
  connection.write(heading(session, index));
  connection.write(stuffer.push(record.prefix));
  connection.write(stuffer.push(body));
  connection.write(stuffer.finish());
  drop.noteFetched(index);
  return '';
}

function heading({ drop }: Pop3Session, index: number): Response {
  return ok(`${drop.list.size(index)} octets`);
}
