/** TOP (RFC 1939 7): sends the header of a message and some lines of its body. */
import { STREAM_ABOVE } from '../../store/api.ts';
import type { Pop3Command } from '../command.ts';
import { ok, type Response } from '../responses.ts';
import { sendInChunks } from '../send.ts';
import type { Pop3Session } from '../session.ts';
import { parseNumbers } from '../syntax/command.ts';
import { TopCutter } from '../syntax/top.ts';

export const top: Pop3Command = {
  name: 'TOP',
  states: ['transaction'],
  run(session, args) {
    const [number, lines] = parseNumbers(args, 2);
    return send(session, session.drop.indexOf(number!), lines!);
  },
};

async function send(session: Pop3Session, index: number, lines: number): Promise<Response> {
  const { store } = session.context;
  const { account } = session.drop;
  const record = await session.drop.record(index);
  const { email, prefix, body } = record;
  const cutter = new TopCutter(record.root().body, lines);
  const chunks =
    body.length > STREAM_ABOVE
      ? store.bodies.chunks(account, email, body)
      : [await store.bodies.whole(account, email, body)];
  return sendInChunks(session, ok('The top of the message follows'), prefix, topOf(chunks, cutter));
}

async function* topOf(chunks: AsyncIterable<Buffer> | Iterable<Buffer>, cutter: TopCutter): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    yield cutter.push(chunk);
    if (cutter.done) return;
  }
}
