/**
 * Reads an mbox file (RFC 4155) as a stream of messages. Pure: it is fed chunks and says what they hold.
 *
 * - A message begins at a `From ` line with a time of day and a year in it, at the start of the file or after an empty line: a line
 *   of text that happens to begin with "From " is not taken for one.
 * - `>From ` loses one `>` (the mboxrd way: `>>From ` becomes `>From `; mboxo writes only the first, so it is read aright too).
 * - The empty line before the next `From ` belongs to the file, not to the message.
 * - A Content-Length (mboxcl2) is only a claim: the reader stops there, and is told whether a message begins or the file ends where it
 *   points to ({@link isMboxBoundary}). If so the body is taken as it is, without unquoting. Our own writer writes none: one in a file of ours was
 *   in the message when it came, and says nothing of the file.
 */
import { isMarked } from './mbox-fields.ts';

export type MboxEvent =
  | {
      readonly kind: 'message';
      /** Of the From line, seconds since 1970. */
      readonly received: number | null;
      /** Its header, without the empty line after it; of one that is too long, the beginning. */
      readonly header: Buffer;
    }
  | { readonly kind: 'data'; readonly bytes: Buffer }
  /** The body claims to end at this offset of the file: call {@link MboxReader.believe}. */
  | { readonly kind: 'claim'; readonly end: number };

const LF = 10;
const CR = 13;
/** A line longer than this is passed on in parts: no memory is bound by it. */
const LINE_MOST = 1 << 16;
/** A header longer than this is not looked at beyond. */
const HEADER_MOST = 1 << 16;
/** A longer line is no From line. */
const FROM_LINE_MOST = 1_000;

export class MboxReader {
  /** Bytes not yet passed on. */
  #rest: Buffer = Buffer.alloc(0);
  /** Where they stand in the file. */
  #offset = 0;
  #state: 'outside' | 'header' | 'asked' | 'claimed' | 'text' = 'outside';
  /** The bytes before `#rest` were the beginning of its first line. */
  #midLine = false;
  /** Outside: the line before was empty, or there is none. */
  #afterEmpty = true;
  #received: number | null = null;
  /** Bytes of a body whose Content-Length is believed. */
  #left = 0;
  #claim = 0;
  #ended = false;

  /** Takes the next bytes. The events' buffers are views of the chunk. */
  push(chunk: Buffer): MboxEvent[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    return this.#read();
  }

  /** The end of the file. */
  end(): MboxEvent[] {
    this.#ended = true;
    return this.#read();
  }

  /** Answers a claim; what follows is read. */
  believe(trusted: boolean): MboxEvent[] {
    this.#state = trusted ? 'claimed' : 'text';
    this.#left = this.#claim - this.#offset;
    return this.#read();
  }

  #read(): MboxEvent[] {
    const events: MboxEvent[] = [];
    while (this.#rest.length > 0 || (this.#ended && this.#state === 'header')) {
      if (this.#state === 'asked') break;
      const goesOn =
        this.#state === 'outside'
          ? this.#outside()
          : this.#state === 'header'
            ? this.#header(events)
            : this.#state === 'claimed'
              ? this.#claimed(events)
              : this.#text(events);
      if (!goesOn) break;
    }
    return events;
  }

  #consume(bytes: number): void {
    this.#rest = this.#rest.subarray(bytes);
    this.#offset += bytes;
  }

  /** What stands before the first From line, or after a believed body, belongs to no message. @returns false to wait for more */
  #outside(): boolean {
    const end = nextLine(this.#rest, 0);
    const whole = this.#rest[end - 1] === LF;
    if (!whole && !this.#ended && this.#rest.length < LINE_MOST) return false;
    const received = !this.#midLine && this.#afterEmpty ? fromLineDate(this.#rest, 0, end) : undefined;
    if (received !== undefined) this.#begin(received, end);
    else {
      this.#afterEmpty = !this.#midLine && emptyLineAt(this.#rest, 0) !== -1;
      this.#midLine = !whole;
      this.#consume(end);
    }
    return true;
  }

  #begin(received: number | null, fromLineEnd: number): void {
    this.#received = received;
    this.#consume(fromLineEnd);
    this.#state = 'header';
    this.#midLine = false;
  }

  /** @returns false to wait for more */
  #header(events: MboxEvent[]): boolean {
    const limit = Math.min(this.#rest.length, HEADER_MOST);
    let end = emptyLine(this.#rest.subarray(0, limit));
    if (end === -1) {
      if (limit < HEADER_MOST && !this.#ended) return false;
      if (limit < HEADER_MOST) end = limit;
      else {
        // Its beginning must do; the rest is read as text.
        end = this.#rest.lastIndexOf(LF, limit - 1) + 1;
        if (end === 0) {
          end = limit;
          this.#midLine = true;
        }
      }
    }
    const header = unquoted(this.#rest.subarray(0, end));
    events.push({ kind: 'message', received: this.#received, header });
    this.#consume(end);
    this.#state = 'text';
    const bodyAt = emptyLineAt(this.#rest, 0);
    const length = bodyAt === -1 || isMarked(header) ? undefined : contentLength(header);
    if (length === undefined) return this.#rest.length > 0;
    this.#claim = this.#offset + bodyAt + length;
    this.#state = 'asked';
    events.push({ kind: 'claim', end: this.#claim });
    return false;
  }

  #claimed(events: MboxEvent[]): boolean {
    const bytes = this.#rest.subarray(0, this.#left);
    this.#data(bytes, events);
    this.#consume(bytes.length);
    this.#left -= bytes.length;
    if (this.#left > 0) return false;
    this.#state = 'outside';
    this.#afterEmpty = true;
    this.#midLine = false;
    return true;
  }

  /** Passes text on up to the next From line. @returns false to wait for more */
  #text(events: MboxEvent[]): boolean {
    const block = this.#rest;
    let end = this.#ended ? block.length : block.lastIndexOf(LF) + 1;
    if (block.length - end >= LINE_MOST) {
      // What is so long is no From line, so that nothing has to wait for its end.
      if (this.#lines(block, end, events)) return true;
      this.#data(block.subarray(end), events);
      this.#consume(block.length);
      this.#midLine = true;
      return false;
    }
    if (end === 0) return false;
    // An empty line at the end may belong to the From line that follows: it waits; at the end of the file it is the file's own.
    const empty = this.#emptyLineBefore(block, end);
    if (empty !== -1) end = empty;
    if (this.#lines(block, end, events)) return true;
    this.#consume(this.#ended ? block.length : end);
    if (end > 0) this.#midLine = false;
    return false;
  }

  /** Lines up to `end`: unquotes them. @returns true when it stopped at a From line, which is consumed */
  #lines(block: Buffer, end: number, events: MboxEvent[]): boolean {
    const text = block.subarray(0, end);
    let from = 0;
    let at = this.#midLine ? nextLine(text, 0) : 0;
    while (at < text.length) {
      const line = nextSpecialLine(text, at);
      if (line === -1) break;
      const lineEnd = nextLine(text, line);
      if (text[line] === GREATER) {
        if (isQuotedFrom(text, line)) {
          this.#data(text.subarray(from, line), events);
          from = line + 1; // mboxrd: one `>` less
        }
      } else {
        const empty = this.#emptyLineBefore(text, line);
        const received = empty === -1 ? undefined : fromLineDate(text, line, lineEnd);
        if (received !== undefined) {
          this.#data(text.subarray(from, Math.max(from, empty)), events);
          this.#begin(received, lineEnd);
          return true;
        }
      }
      at = lineEnd;
    }
    this.#data(text.subarray(from), events);
    return false;
  }

  /** Where the empty line (LF or CRLF) begins that ends right before `end`, or -1 when the line there isn't empty. */
  #emptyLineBefore(block: Buffer, end: number): number {
    if (block[end - 1] !== LF) return -1;
    const start = block[end - 2] === CR ? end - 2 : end - 1;
    if (start === 0) return this.#midLine ? -1 : 0;
    return block[start - 1] === LF ? start : -1;
  }

  #data(bytes: Buffer, events: MboxEvent[]): void {
    if (bytes.length > 0) events.push({ kind: 'data', bytes });
  }
}

/**
 * True when a body may end here.
 * @param bytes  the next bytes of the file, up to a thousand and some
 * @param last   the file ends with them
 */
export function isMboxBoundary(bytes: Buffer, last: boolean): boolean {
  let at = 0;
  for (let next = emptyLineAt(bytes, at); next !== -1; next = emptyLineAt(bytes, at)) at = next;
  if (at === bytes.length) return last;
  return fromLineDate(bytes, at, nextLine(bytes, at)) !== undefined;
}

const GREATER = 62;
const FROM = Buffer.from('\nFrom ');
const QUOTED = Buffer.from('\n>');

/** The next line at or after `at` (a line's start) that begins with `From ` or `>`, or -1. */
function nextSpecialLine(block: Buffer, at: number): number {
  if (block[at] === GREATER || block.toString('latin1', at, at + 5) === 'From ') return at;
  const from = block.indexOf(FROM, at);
  const quoted = block.indexOf(QUOTED, at);
  if (from === -1) return quoted === -1 ? -1 : quoted + 1;
  return (quoted === -1 ? from : Math.min(from, quoted)) + 1;
}

/** Where the line after the one that holds `at` begins; the block's length when there is none. */
function nextLine(block: Buffer, at: number): number {
  const lf = block.indexOf(LF, at);
  return lf === -1 ? block.length : lf + 1;
}

function isQuotedFrom(block: Buffer, line: number): boolean {
  let at = line;
  while (block[at] === GREATER) at++;
  return block.toString('latin1', at, at + 5) === 'From ';
}

/** Lines of a header, each with one `>` less if it is a quoted From line. */
function unquoted(header: Buffer): Buffer {
  if (!header.includes('>From ')) return header;
  return Buffer.from(header.toString('latin1').replace(/(^|\n)>(>*From )/g, '$1$2'), 'latin1');
}

/** Where the empty line that begins at `start` ends, or -1 when it isn't one. */
function emptyLineAt(block: Buffer, start: number): number {
  if (block[start] === LF) return start + 1;
  return block[start] === CR && block[start + 1] === LF ? start + 2 : -1;
}

/** Where the first empty line begins, or -1. */
function emptyLine(block: Buffer): number {
  for (let at = 0; at < block.length; at = nextLine(block, at)) if (emptyLineAt(block, at) !== -1) return at;
  return -1;
}

function contentLength(header: Buffer): number | undefined {
  const match = /^Content-Length:[ \t]*(\d{1,12})[ \t]*\r?$/im.exec(header.toString('latin1'));
  return match === null ? undefined : Number(match[1]);
}

const DATE =
  /(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +(\d{1,2}) +(\d{1,2}:\d{2}(?::\d{2})?)(?: +[A-Za-z]{1,5})?(?: +([+-]\d{4}))? +(\d{4})(?: +([+-]\d{4}))?/;

/** The date of the From line from `start` to `end` (asctime, UTC by RFC 4155), null when unreadable; undefined when it is no From line. */
function fromLineDate(block: Buffer, start: number, end: number): number | null | undefined {
  if (end - start > FROM_LINE_MOST) return undefined;
  const line = block.toString('latin1', start, end);
  if (!/^From .*\d{1,2}:\d{2}.*\d{4}/.test(line)) return undefined;
  const match = DATE.exec(line);
  if (match === null) return null;
  const [, month, day, time, zoneBefore, year, zoneAfter] = match;
  const seconds = Date.parse(`${day} ${month} ${year} ${time} ${zoneBefore ?? zoneAfter ?? '+0000'}`) / 1_000;
  return Number.isFinite(seconds) ? seconds : null;
}
