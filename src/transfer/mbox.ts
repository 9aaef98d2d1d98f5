/**
 * Reads an mbox file (RFC 4155) as a stream of messages. Pure: it is fed chunks and says what they hold.
 *
 * - A message begins at a `From ` line with a time of day and a year in it, at the start of the file or after an empty line: a line
 *   of text that happens to begin with "From " is not taken for one.
 * - `>From ` loses one `>` (the mboxrd way: `>>From ` becomes `>From `).
 * - The empty line before the next `From ` belongs to the file, not to the message.
 */
export type MboxEvent =
  | { readonly kind: 'message' /** Of the From line, seconds since 1970. */; readonly received: number | null }
  | { readonly kind: 'data'; readonly bytes: Buffer };

const LF = 10;
/** A line longer than this is passed on in parts: no memory is bound by it. */
const LINE_MOST = 1 << 16;

export class MboxReader {
  /** Whole lines not yet passed on (an empty one that may be the file's own), then the beginning of a line. */
  #rest: Buffer = Buffer.alloc(0);
  /** The bytes before `#rest` were the beginning of its first line. */
  #midLine = false;
  #begun = false;
  /** Nothing of the file was passed on or skipped yet. */
  #atStart = true;

  /** Takes the next bytes. The events' buffers are views of the chunk. */
  push(chunk: Buffer): MboxEvent[] {
    const events: MboxEvent[] = [];
    const block = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const lastLf = block.lastIndexOf(LF);
    let end = lastLf + 1;
    if (end > 0) {
      // An empty line at the end may belong to the From line that follows: it waits.
      const empty = this.#emptyLineBefore(block, end);
      if (empty !== -1) end = empty;
      this.#lines(block.subarray(0, end), events);
    }
    this.#rest = block.subarray(end);
    if (end === 0 && this.#rest.length > LINE_MOST && this.#rest.indexOf(LF) === -1) {
      this.#data(this.#rest, events);
      this.#atStart = false;
      this.#midLine = true;
      this.#rest = Buffer.alloc(0);
    } else if (end > 0) this.#midLine = false;
    return events;
  }

  /** The end of the file. */
  end(): MboxEvent[] {
    const events: MboxEvent[] = [];
    let rest = this.#rest;
    if (!this.#midLine) {
      // The empty line that closes the last message, unless something stands after it.
      const emptyTo = emptyLineAt(rest, 0);
      if (emptyTo === rest.length) rest = Buffer.alloc(0);
    }
    this.#lines(rest, events);
    this.#rest = Buffer.alloc(0);
    return events;
  }

  /** Lines that begin at a line's start (unless #midLine): cuts them at From lines and unquotes. */
  #lines(block: Buffer, events: MboxEvent[]): void {
    let from = 0;
    let at = this.#midLine ? nextLine(block, 0) : 0;
    while (at < block.length) {
      const line = nextSpecialLine(block, at);
      if (line === -1) break;
      const lineEnd = nextLine(block, line);
      if (block[line] === GREATER) {
        if (isQuotedFrom(block, line)) {
          this.#data(block.subarray(from, line), events);
          from = line + 1; // mboxrd: one `>` less
        }
      } else {
        const separator = fromLineDate(block.toString('latin1', line, Math.min(lineEnd, line + 1_000)));
        const empty = this.#emptyLineBefore(block, line);
        if (separator !== undefined && (empty !== -1 || (line === 0 && this.#atStart))) {
          this.#data(block.subarray(from, empty === -1 ? line : Math.max(from, empty)), events);
          events.push({ kind: 'message', received: separator });
          this.#begun = true;
          from = lineEnd;
        }
      }
      at = lineEnd;
    }
    this.#data(block.subarray(from), events);
    if (block.length > 0) this.#atStart = false;
  }

  /** Where the empty line (LF or CRLF) begins that ends right before `end`, or -1 when the line there isn't empty. */
  #emptyLineBefore(block: Buffer, end: number): number {
    if (block[end - 1] !== LF) return -1;
    const start = block[end - 2] === 13 ? end - 2 : end - 1;
    if (start === 0) return this.#midLine ? -1 : 0;
    return block[start - 1] === LF ? start : -1;
  }

  #data(bytes: Buffer, events: MboxEvent[]): void {
    // What stands before the first From line belongs to no message.
    if (bytes.length > 0 && this.#begun) events.push({ kind: 'data', bytes });
  }
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

/** Where the empty line that begins at `start` ends, or -1 when it isn't one. */
function emptyLineAt(block: Buffer, start: number): number {
  if (block[start] === LF) return start + 1;
  return block[start] === 13 && block[start + 1] === LF ? start + 2 : -1;
}

const DATE =
  /(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +(\d{1,2}) +(\d{1,2}:\d{2}(?::\d{2})?)(?: +[A-Za-z]{1,5})?(?: +([+-]\d{4}))? +(\d{4})(?: +([+-]\d{4}))?/;

/** The date of a From line (asctime, UTC by RFC 4155), null when unreadable; undefined when it is no From line. */
function fromLineDate(line: string): number | null | undefined {
  if (!/\d{1,2}:\d{2}.*\d{4}/.test(line)) return undefined;
  const match = DATE.exec(line);
  if (match === null) return null;
  const [, month, day, time, zoneBefore, year, zoneAfter] = match;
  const seconds = Date.parse(`${day} ${month} ${year} ${time} ${zoneBefore ?? zoneAfter ?? '+0000'}`) / 1_000;
  return Number.isFinite(seconds) ? seconds : null;
}

/** Flags from the Status, X-Status and X-Keywords fields that mail readers keep in an mbox. `header` may be cut short. */
export function mboxFlags(header: string): string[] {
  const field = (name: string) => new RegExp(`^${name}:[ \\t]*(.*?)\\r?$`, 'im').exec(header)?.[1] ?? '';
  const letters = field('Status') + field('X-Status');
  const flags = Object.entries(STATUS_LETTERS).flatMap(([letter, flag]) => (letters.includes(letter) ? [flag] : []));
  const keywords = field('X-Keywords').split(/[ \t]+/);
  return [...flags, ...keywords.filter((keyword) => /^[A-Za-z0-9$_.-]+$/.test(keyword))];
}

const STATUS_LETTERS = { R: '\\Seen', A: '\\Answered', F: '\\Flagged', D: '\\Deleted', T: '\\Draft' };
