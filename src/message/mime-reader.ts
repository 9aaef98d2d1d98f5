/**
 * The MIME structure of a message that comes in pieces of any size (RFC 2045, 2046).
 *
 * Invariants
 * - Offsets are exact whatever the bytes; the ranges of parts lie within their parent's body, in order, and never overlap.
 * - Memory is bounded by the constants below, not by the message: what goes beyond them is no longer interpreted, but still measured.
 * - The same bytes give the same structure however they were cut into pieces.
 * - A multipart has at least one part: one whose boundary never comes holds its whole body as plain text, so that it can be read.
 */
import type { Part } from './analysis.ts';
import { isAttachment } from './attachment.ts';
import { leafStructure, messageStructure, multipartStructure } from './body-structure.ts';
import { BoundedBuffer } from './bounded-buffer.ts';
import { PLAIN_TEXT, readContentFields } from './content-fields.ts';
import { envelopeText, readEnvelope } from './envelope.ts';
import { Header } from './header.ts';
import { type OpenEntity, opened, partOf } from './open-entity.ts';
import { parameter } from './parameters.ts';
import { type TextSample, TextSamples } from './text-samples.ts';
import { isEncoded } from './transfer-encoding.ts';

/** Bytes of one header that are interpreted, of all headers of a message together, and fields of one header. */
const MAX_HEADER = 256 * 1024;
const MAX_HEADERS = 512 * 1024;
const MAX_FIELDS = 5_000;
/** Entities within each other; deeper ones are opaque. */
const MAX_DEPTH = 100;
/** After so many parts the last one takes the rest. */
export const MAX_PARTS = 1_000;
/** RFC 2046 5.1.1 allows 70 characters; more than a line (RFC 5322 2.1.1) can't be one. */
const MAX_BOUNDARY = 990;
const LF = 10;
const CR = 13;
const DASH = 45;

export interface MimeStructure {
  readonly size: number;
  readonly root: Part;
  /** In IMAP syntax, one character a byte. */
  readonly bodyStructure: string;
  /** Of the message itself. */
  readonly header: Header;
  /** The first text of each kind that is shown: not attached, not within another message. */
  readonly plain: TextSample | null;
  readonly html: TextSample | null;
  readonly hasAttachment: boolean;
}

type State =
  | 'header'
  | 'body' //       also a preamble or an epilogue
  | 'delimiter' //  the rest of a delimiter line: a header follows
  | 'closing'; //   the rest of a close-delimiter line: an epilogue follows

/** {@link MimeReader} found no delimiter at a line's start, or can't say before more bytes come. */
const NONE = -1;
const MORE = -2;

const NOTHING = Buffer.alloc(0);

export class MimeReader {
  #state: State = 'header';
  /** Outermost first; the last one is being read. In an epilogue that is the multipart itself. */
  readonly #open: OpenEntity[] = [opened(0, false)];
  /** How many of them have a boundary, and how many are messages within the message. */
  #boundaries = 0;
  #messages = 0;
  #parts = 1;
  #lines = 0;

  /** The pieces of the header being read, and the bytes of all headers so far. */
  #block = new BoundedBuffer(MAX_HEADER);
  #headerBytes = 0;

  #data: Buffer = NOTHING;
  /** Offset in the message of #data's first byte. */
  #base = 0;
  /** All in #data: the first byte not consumed; where to go on searching; the start of a line not yet looked at, or -1. */
  #at = 0;
  #searched = 0;
  #line = 0;
  #final = false;
  /** A close-delimiter was found, not a delimiter. */
  #closes = false;

  #header: Header | null = null;
  readonly #samples = new TextSamples();
  #hasAttachment = false;

  /** Takes the next bytes; they are not kept beyond the call, except for less than a line. */
  push(chunk: Buffer): void {
    this.#data = this.#data.length === 0 ? chunk : Buffer.concat([this.#data, chunk]);
    this.#run();
    this.#consume(this.#consumable());
    this.#base += this.#at;
    this.#searched = Math.max(0, this.#searched - this.#at);
    if (this.#line >= 0) this.#line -= this.#at;
    this.#data = this.#at === this.#data.length ? NOTHING : Buffer.from(this.#data.subarray(this.#at));
    this.#at = 0;
  }

  /** Call once, after the last bytes. */
  finish(): MimeStructure {
    this.#final = true;
    this.#run();
    this.#consume(this.#data.length);
    if (this.#state === 'delimiter') this.#beginPart();
    while (this.#state === 'header') this.#beginBody(this.#block.bytes); // A header without a blank line; one within it that never came
    const size = this.#base + this.#at;
    const outside = opened(0, false);
    while (this.#open.length > 0) this.#close(size, this.#open.at(-2) ?? outside);
    return {
      size,
      root: outside.parts[0]!,
      bodyStructure: outside.structures,
      header: this.#header!,
      plain: this.#samples.plain,
      html: this.#samples.html,
      hasAttachment: this.#hasAttachment,
    };
  }

  #run(): void {
    let more = true;
    while (more) {
      if (this.#state === 'header') more = this.#readHeader();
      else if (this.#state === 'body') more = this.#readBody();
      else more = this.#readRestOfDelimiter();
    }
  }

  /** Looks, line by line, for the blank line or a delimiter. @returns false when more bytes are needed */
  #readHeader(): boolean {
    const data = this.#data;
    for (;;) {
      if (this.#line < 0) {
        const lf = data.indexOf(LF, this.#searched);
        if (lf < 0) {
          this.#searched = data.length;
          return false;
        }
        this.#line = lf + 1;
      }
      const first = data[this.#line];
      if (first === undefined || (first === CR && this.#line + 1 === data.length)) return false;
      const blank = first === LF ? 1 : first === CR && data[this.#line + 1] === LF ? 2 : 0;
      if (blank > 0) {
        const end = this.#line + blank;
        if (this.#block.length === 0) this.#headerIs(end);
        else {
          this.#consume(end);
          this.#beginBody(this.#block.bytes);
        }
        return true;
      }
      const delimiter = this.#delimiterAt(this.#line);
      if (delimiter === MORE) return false;
      if (delimiter !== NONE) {
        const line = this.#line;
        this.#consume(this.#beforeLineEnd(line));
        this.#beginBody(this.#block.bytes);
        this.#delimit(delimiter, line);
        return true;
      }
      this.#searched = this.#line;
      this.#line = -1;
    }
  }

  /** The usual case: a header that came in one piece, up to `end`, is read without copying it. */
  #headerIs(end: number): void {
    const block = this.#data.subarray(this.#at, Math.min(end, this.#at + MAX_HEADER));
    this.#count(end);
    this.#at = end;
    this.#headerBytes += block.length;
    this.#beginBody(block);
  }

  /** Looks for a delimiter. @returns false when more bytes are needed */
  #readBody(): boolean {
    const data = this.#data;
    if (this.#boundaries === 0) return false;
    for (;;) {
      if (this.#line < 0) {
        const lf = data.indexOf('\n--', this.#searched, 'latin1');
        this.#searched = lf < 0 ? data.length : lf + 1;
        if (lf >= 0) this.#line = lf + 1;
        else if (this.#final) return false;
        else if (data.at(-1) === LF) this.#line = data.length;
        else if (data.at(-1) === DASH && data.at(-2) === LF) this.#line = data.length - 1;
        else return false;
      }
      const delimiter = this.#delimiterAt(this.#line);
      if (delimiter === MORE) return false;
      if (delimiter !== NONE) {
        this.#delimit(delimiter, this.#line);
        return true;
      }
      this.#searched = this.#line;
      this.#line = -1;
    }
  }

  /** Passes over what follows a boundary on its line (RFC 2046 5.1.1 transport-padding). @returns false when more bytes are needed */
  #readRestOfDelimiter(): boolean {
    const lf = this.#data.indexOf(LF, this.#at);
    if (lf < 0) return false;
    if (this.#state === 'delimiter') {
      this.#consume(lf + 1);
      this.#beginPart();
      this.#startOfLine();
    } else {
      this.#consume(this.#beforeLineEnd(lf + 1)); // This line end, too, may belong to a delimiter of a multipart around it
      this.#state = 'body';
      this.#line = lf + 1;
    }
    return true;
  }

  #beginPart(): void {
    this.#open.push(opened(this.#base + this.#at, false));
    this.#state = 'header';
  }

  /**
   * Which open multipart's delimiter this line is: an index in #open, NONE, or MORE. The longest boundary that the line begins with
   * counts (RFC 2046 5.1.1: what follows it on the line doesn't matter), so that a boundary may be the beginning of another.
   */
  #delimiterAt(line: number): number {
    if (this.#boundaries === 0) return NONE;
    const data = this.#data;
    const available = data.length - line;
    let found = NONE;
    let length = 0;
    for (let index = this.#open.length - 1; index >= 0; index--) {
      const boundary = this.#open[index]!.boundary;
      if (boundary === null || boundary.length <= length) continue;
      const compared = Math.min(available, boundary.length);
      if (!beginsWith(data, line, boundary, compared)) continue;
      if (compared === boundary.length) {
        found = index;
        length = boundary.length;
      } else if (!this.#final) return MORE;
    }
    if (found === NONE) return NONE;
    const next = data[line + length];
    const afterNext = data[line + length + 1];
    if (!this.#final && (next === undefined || (next === DASH && afterNext === undefined))) return MORE;
    this.#closes = next === DASH && afterNext === DASH;
    return this.#closes || this.#parts < MAX_PARTS ? found : NONE;
  }

  /** Ends what the delimiter in this line ends. */
  #delimit(index: number, line: number): void {
    this.#consume(this.#beforeLineEnd(line)); // RFC 2046 5.1.1: the line end before a delimiter belongs to it
    const end = this.#base + this.#at;
    const multipart = this.#open[index]!;
    while (this.#open.length > index + 1) {
      if (this.#open.length === index + 2 && this.#open.at(-1)!.preamble && !this.#closes) this.#open.pop();
      else this.#close(end, this.#open.at(-2)!);
    }
    this.#state = this.#closes ? 'closing' : 'delimiter';
    this.#consume(line + multipart.boundary!.length);
    this.#line = -1;
    if (this.#closes) {
      multipart.boundary = null;
      this.#boundaries--;
    } else this.#parts++;
  }

  /** The header of the entity being read is complete: what is it? */
  #beginBody(block: Buffer): void {
    const entity = this.#open.at(-1)!;
    const parent = this.#open.at(-2);
    const budget = MAX_HEADERS - (this.#headerBytes - block.length);
    const header = new Header(block.length <= budget ? block.toString('latin1') : '', MAX_FIELDS);
    if (this.#block.length > 0) this.#block = new BoundedBuffer(MAX_HEADER);

    if (parent === undefined) this.#header = header;
    else if (parent.kind === 'message') parent.envelope = envelopeText(readEnvelope(header));
    entity.body = this.#base + this.#at;
    entity.linesBefore = this.#lines;
    entity.content = readContentFields(header, parent?.kind === 'multipart' && parent.content.subtype === 'digest');
    this.#state = 'body';
    this.#startOfLine();
    this.#enter(entity);
  }

  /** Decides how the body of an entity is read. */
  #enter(entity: OpenEntity): void {
    const { type, subtype } = entity.content;
    const isMessage = type === 'message' && (subtype === 'rfc822' || subtype === 'global');
    if (type !== 'multipart' && !isMessage) {
      if (this.#messages === 0) entity.sample = this.#samples.of(entity.content);
      return;
    }
    if (this.#open.length >= MAX_DEPTH) {
      entity.content = { ...entity.content, type: 'application', subtype: 'octet-stream', params: [] };
      return;
    }
    if (isMessage) {
      entity.kind = 'message';
      this.#messages++;
      // RFC 2046 5.2.1 forbids to encode a message; one that is (message/global may be, RFC 6532 3.7) is shown as text without header.
      const encoded = isEncoded(entity.content.encoding);
      this.#open.push(opened(entity.body, false));
      if (!encoded) this.#state = 'header';
      return;
    }
    const boundary = (parameter(entity.content.params, 'boundary') ?? '').trimEnd();
    if (boundary === '' || boundary.length > MAX_BOUNDARY) {
      // RFC 2045 5.2: a Content-Type without what it must have is none
      entity.content = { ...entity.content, type: 'text', subtype: 'plain', params: PLAIN_TEXT.params };
      return;
    }
    entity.kind = 'multipart';
    entity.boundary = Buffer.from(`--${boundary}`, 'latin1');
    this.#boundaries++;
    this.#open.push({ ...opened(entity.body, true), linesBefore: this.#lines });
  }

  /** The innermost entity ends at this offset; it becomes a part of `parent`. */
  #close(end: number, parent: OpenEntity): void {
    const entity = this.#open.pop()!;
    const { content, kind } = entity;
    const octets = end - entity.body;
    const lines = this.#lines - entity.linesBefore;
    let structure: string;
    if (kind === 'multipart') {
      structure = multipartStructure(content, entity.structures);
      if (entity.boundary !== null) this.#boundaries--;
    } else if (kind === 'message') {
      structure = messageStructure(content, octets, entity.envelope, entity.structures, lines);
      this.#messages--;
    } else structure = leafStructure(content, octets, content.type === 'text' ? lines : null);

    const part = partOf(entity, end, kind === 'message' || (kind === 'leaf' && content.type === 'text') ? lines : null);
    parent.parts.push(part);
    parent.structures += structure;
    if (this.#messages === 0 && kind !== 'multipart' && isAttachment(part, parent.content)) this.#hasAttachment = true;
  }

  /** Up to where nothing need be kept until more bytes come: a line end may belong to a delimiter. */
  #consumable(): number {
    const data = this.#data;
    if (this.#boundaries === 0 && this.#state === 'body') return data.length;
    if (this.#state === 'delimiter') return data.length;
    if (this.#line >= 0) return this.#beforeLineEnd(this.#line);
    return Math.max(this.#at, data.at(-1) === CR ? data.length - 1 : data.length);
  }

  /** Where the line end before this line begins; not before what is consumed already. */
  #beforeLineEnd(line: number): number {
    let end = line;
    if (end > this.#at && this.#data[end - 1] === LF) end--;
    if (end < line && end > this.#at && this.#data[end - 1] === CR) end--;
    return end;
  }

  /** Consumes bytes up to `to` as what they are: of a header, of a leaf, or of nothing. */
  #consume(to: number): void {
    const from = this.#at;
    if (to <= from) return;
    if (this.#state === 'header') {
      const before = this.#block.length;
      this.#block.append(this.#data, from, to);
      this.#headerBytes += this.#block.length - before;
    } else if (this.#state === 'body') this.#open.at(-1)!.sample?.append(this.#data, from, to);
    this.#count(to);
    this.#at = to;
  }

  /** Counts the lines up to `to`, where anybody wants to know. */
  #count(to: number): void {
    const entity = this.#open.at(-1)!;
    const wanted = this.#state === 'body' && entity.kind === 'leaf' && entity.content.type === 'text';
    if (!wanted && this.#messages === 0) return;
    const data = this.#data;
    for (let lf = data.indexOf(LF, this.#at); lf >= 0 && lf < to; lf = data.indexOf(LF, lf + 1)) this.#lines++;
  }

  /** A line begins at what is not consumed yet. */
  #startOfLine(): void {
    this.#line = this.#at;
    this.#searched = this.#at;
  }
}

/** Does `data` have the first `length` bytes of `boundary` at `at`? A loop: nearly all lines differ within the first bytes. */
function beginsWith(data: Buffer, at: number, boundary: Buffer, length: number): boolean {
  for (let index = 0; index < length; index++) if (data[at + index] !== boundary[index]) return false;
  return true;
}
