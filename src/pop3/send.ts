/** Sending a message in chunks: what is larger than memory should hold, or only partly wanted. */
import { DotStuffer } from '../message/dot-stuffer.ts';
import { noteBuffer } from '../passing-buffers.ts';
import type { Response } from './responses.ts';
import type { Pop3Session } from './session.ts';

/**
 * Sends the response's first line, the trace lines and the body, framed.
 *
 * Invariant: what is announced by the first line is sent whole, or the connection ends without the final dot, so that the client
 * can't take a part for the whole.
 *
 * @throws what the body's first chunk throws; nothing has been sent then
 */
export async function sendInChunks(
  { connection }: Pop3Session,
  heading: Response,
  prefix: Buffer,
  body: AsyncIterable<Buffer>,
): Promise<Response> {
  const stuffer = new DotStuffer();
  let begun = false;
  try {
    for await (const chunk of body) {
      if (!begun) {
        begun = true;
        connection.write(heading);
        connection.write(stuffer.push(prefix));
      }
      const framed = stuffer.push(chunk);
      if (framed !== chunk) noteBuffer(framed.length);
      connection.write(framed);
      await connection.flushed(); // the chunk's buffer is used again for the next
      if (connection.closed) return '';
    }
  } catch (error) {
    if (begun) connection.end();
    throw error;
  }
  if (!begun) {
    connection.write(heading);
    connection.write(stuffer.push(prefix));
  }
  connection.write(stuffer.finish());
  return '';
}
