/** Reads a message for its signatures, in a stream: its header whole, of its body the hash. */
import { libraries } from '../libraries.ts';
import { piecesOf, WholeLines } from '../message/whole-lines.ts';
import { Pace } from '../pace.ts';
import type { Signable } from './dkim.ts';

/** No message that could be delivered has more. */
const MOST_HEADER_BYTES = 1_048_576;
/** Hashing so much takes about a millisecond of the event loop. */
const PIECE = 65_536;
/** RFC 5322 2.1.1 has room for 998. */
const LONGEST_LINE = 8 * PIECE;

export interface ReadMessage extends Signable {
  /** Its header block, without the blank line. */
  readonly header: Buffer;
}

/**
 * @param wanted  asked with the header block before the body is read; with false nothing more is
 * @returns null when it is not wanted, or its header or a line of its body is too long to be signed
 */
export async function readSignable(
  message: AsyncIterable<Buffer>,
  wanted: (header: Buffer) => Promise<boolean>,
): Promise<ReadMessage | null> {
  const hash = libraries.dkimBody.dkimBody('relaxed', 'sha256', false);
  const lines = new WholeLines();
  const pace = new Pace();
  let header: Buffer | null = null;
  let before: Buffer = Buffer.alloc(0);
  for await (const chunk of message) {
    let body = chunk;
    if (header === null) {
      before = before.length === 0 ? chunk : Buffer.concat([before, chunk]);
      const end = headerEnd(before);
      if ((end < 0 ? before.length : end) > MOST_HEADER_BYTES) return null;
      if (end < 0) continue;
      header = before.subarray(0, end);
      if (!(await wanted(header))) return null;
      body = before.subarray(end + 2);
    }
    for (const piece of piecesOf(lines.push(body), PIECE)) {
      hash.update(piece);
      await pace.pause();
    }
    if (lines.length > LONGEST_LINE) return null;
  }
  hash.update(lines.finish());
  if (header === null) {
    header = before; // no body at all
    if (!(await wanted(header))) return null;
  }
  return { header, fields: libraries.mailTools.parseHeaders(header).parsed, bodyHash: hash.digest('base64') };
}

/** Where the blank line stands, -1 while it has not come. Stored lines end in CRLF. */
function headerEnd(bytes: Buffer): number {
  if (bytes.length >= 2 && bytes[0] === 13 && bytes[1] === 10) return 0;
  const end = bytes.indexOf('\r\n\r\n');
  return end < 0 ? -1 : end + 2;
}
