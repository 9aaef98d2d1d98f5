/**
 * Line ends between mail on the wire (CRLF, RFC 5322 2.1) and mail in files (LF, by the custom of Maildir and mbox). Pure.
 *
 * A file's LF becomes CRLF unless it has its CR already; a CR alone stays, as other servers leave it. So a message comes back byte for byte
 * from a file with LF, unless it holds a LF without CR or a CR before a CRLF: {@link LineEnds} finds those out, and writers keep such
 * a message as it is and mark it.
 */

/** A file's line ends as the wire has them. Works on a stream: feed it chunk by chunk. Nothing is held back. */
export class CrlfLines {
  #afterCr = false;

  /** The chunk with its line ends put right; the very same buffer when they were. */
  push(chunk: Buffer): Buffer {
    if (chunk.length === 0) return chunk;
    const complete = this.#afterCr && chunk[0] === LF;
    this.#afterCr = chunk[chunk.length - 1] === CR;
    if (!complete) return toCrlf(chunk);
    const rest = toCrlf(chunk.subarray(1));
    return Buffer.concat([chunk.subarray(0, 1), rest]);
  }
}

function toCrlf(bytes: Buffer): Buffer {
  let bare = 0;
  for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) if (bytes[at - 1] !== CR) bare++;
  if (bare === 0) return bytes;
  const out = Buffer.allocUnsafe(bytes.length + bare);
  let from = 0;
  let to = 0;
  for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at - 1] === CR) continue;
    to += bytes.copy(out, to, from, at);
    out[to++] = CR;
    from = at;
  }
  bytes.copy(out, to, from);
  return out;
}

/** The wire's line ends as a file has them. Works on a stream: feed it chunk by chunk, then {@link LfLines.end}. */
export class LfLines {
  #heldCr = false;

  push(chunk: Buffer): Buffer {
    if (chunk.length === 0) return chunk;
    const held = this.#heldCr;
    this.#heldCr = chunk[chunk.length - 1] === CR;
    const text = `${held ? '\r' : ''}${chunk.toString('latin1', 0, this.#heldCr ? chunk.length - 1 : chunk.length)}`;
    return Buffer.from(text.replaceAll('\r\n', '\n'), 'latin1');
  }

  /** What is left at the end of the stream. */
  end(): Buffer {
    return this.#heldCr ? Buffer.from('\r') : Buffer.alloc(0);
  }
}

/** What must be known of a message's line ends before it is written. Works on a stream. */
export class LineEnds {
  bytes = 0;
  crlfs = 0;
  /** LF without CR. */
  bareLfs = 0;
  /** CR before a CRLF. */
  doubleCrs = 0;
  /** It ends in LF, or is empty. */
  closed = true;
  #before = 0;
  #before2 = 0;

  push(chunk: Buffer): void {
    const byte = (at: number): number => (at >= 0 ? chunk[at]! : at === -1 ? this.#before : this.#before2);
    for (let at = chunk.indexOf(LF); at !== -1; at = chunk.indexOf(LF, at + 1)) {
      if (byte(at - 1) !== CR) this.bareLfs++;
      else {
        this.crlfs++;
        if (byte(at - 2) === CR) this.doubleCrs++;
      }
    }
    if (chunk.length === 0) return;
    this.bytes += chunk.length;
    const last = chunk.length - 1;
    [this.#before2, this.#before] = [byte(last - 1), byte(last)];
    this.closed = this.#before === LF;
  }

  /** True when the message would not come back from a file with these line ends: it must be kept as it is, and marked. */
  odd(crlf: boolean): boolean {
    return this.bareLfs > 0 || (!crlf && this.doubleCrs > 0);
  }
}

const CR = 13;
const LF = 10;
