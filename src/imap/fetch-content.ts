/**
 * FETCH items that need a message's bytes: BODY[...], BINARY[...] and BINARY.SIZE[...] (RFC 9051 6.4.5, 7.5.2).
 *
 * Invariant: a literal that was announced is sent whole. When its bytes end early nothing true can follow on this
 * connection any more, so it is closed.
 */
import { Refused } from '../errors.ts';
import { filterHeader } from '../message/header.ts';
import { partAt, section as sectionRange } from '../message/sections.ts';
import { decodeTransfer, type TransferDecoder } from '../message/transfer-encoding.ts';
import { STREAM_ABOVE } from '../store/api.ts';
import { ConnectionEnded } from './command-input.ts';
import type { FetchOutput } from './fetch-output.ts';
import type { ContentItem } from './fetch-plan.ts';
import type { ByteRange, MessageBytes } from './message-bytes.ts';
import type { Partial, Section } from './syntax/types.ts';

type SectionItem = Extract<ContentItem, { readonly item: 'SECTION' }>;
type BinaryItem = Extract<ContentItem, { readonly item: 'BINARY' }>;

/** A response could not be finished, and part of it may be on its way: the connection can't go on. */
export class ResponseBroken extends Error {
  override readonly name = 'ResponseBroken';
}

/** A promise only where bytes must be waited for. A refusal: the literal went out whole, but its checksum was wrong. */
type Written = Promise<Refused | undefined> | undefined;

/**
 * Writes one item and its value.
 * @throws Refused, also by the promise, before anything of the item is written: `binary.unknown-encoding`, `message.gone`...
 * @throws ResponseBroken
 */
export function writeContent(out: FetchOutput, message: MessageBytes, item: ContentItem): Written {
  switch (item.item) {
    case 'SECTION':
      return writeSection(out, message, item);
    case 'BINARY':
      return writeBinary(out, message, item);
    case 'BINARY.SIZE':
      return writeBinarySize(out, message, item.label, item.part);
  }
}

function writeSection(out: FetchOutput, message: MessageBytes, item: SectionItem): Written {
  const { label, section, partial } = item;
  const range = rangeOf(message, section);
  if (range === null) {
    out.text(`${label} NIL`);
    return undefined;
  }
  if (section.text.kind === 'fields') return writeFields(out, message, item, range);
  return writeRange(out, message, label, partial === null ? range : within(range, partial));
}

/** The bytes a section means, or null when the message has no such part (RFC 9051 6.4.5.1). */
function rangeOf(message: MessageBytes, { part, text }: Section): ByteRange | null {
  if (part.length === 0) {
    if (text.kind === 'all') return message.all;
    if (text.kind !== 'text') return message.header;
  }
  const spec = SPECS[text.kind];
  return sectionRange(message.record.root(), part, spec);
}

const SPECS = { all: '', header: 'HEADER', fields: 'HEADER', text: 'TEXT', mime: 'MIME' } as const;

/** What of a range a partial asks for; beyond its end there is nothing (RFC 9051 6.4.5). */
function within({ from, to }: ByteRange, { offset, length }: Partial): ByteRange {
  const start = Math.min(from + offset, to);
  return { from: start, to: Math.min(start + length, to) };
}

/** `label {n}` and the bytes. */
function writeRange(out: FetchOutput, message: MessageBytes, label: string, range: ByteRange): Written {
  const size = range.to - range.from;
  out.text(`${label} {${size}}\r\n`);
  const pieces = message.pieces(range);
  if (pieces === undefined) return stream(out, message.chunks(range), size);
  for (const piece of pieces) out.bytes(piece);
  return undefined;
}

/** HEADER.FIELDS and HEADER.FIELDS.NOT. Of a header larger than {@link STREAM_ABOVE} only so much is looked at. */
async function writeFields(
  out: FetchOutput,
  message: MessageBytes,
  { label, section, partial }: SectionItem,
  range: ByteRange,
): Promise<undefined> {
  const { text } = section;
  if (text.kind !== 'fields') return;
  const header = await message.collect({ from: range.from, to: Math.min(range.to, range.from + STREAM_ABOVE) });
  writeBuffer(out, label, filterHeader(header, text.names, text.not), partial);
}

/** @param maybeBinary NUL is allowed, and makes it a literal8 (RFC 3516 4.2) */
function writeBuffer(
  out: FetchOutput,
  label: string,
  bytes: Buffer,
  partial: Partial | null,
  maybeBinary = false,
): void {
  const part = partial === null ? bytes : bytes.subarray(partial.offset, partial.offset + partial.length);
  out.text(`${label} ${maybeBinary && part.includes(0) ? '~' : ''}{${part.length}}\r\n`);
  out.bytes(part);
}

/** Bytes of an announced literal, as they come. */
async function stream(out: FetchOutput, chunks: AsyncIterable<Buffer>, size: number): Promise<Refused | undefined> {
  let sent = 0;
  try {
    for await (const chunk of chunks) {
      out.bytes(chunk);
      sent += chunk.length;
      await out.flushed(); // the chunk's buffer is used again for the next
    }
  } catch (error) {
    if (error instanceof ConnectionEnded) throw error;
    // A checksum that turns out wrong after the last byte breaks no literal: the end of the command says what is the matter.
    if (error instanceof Refused && sent === size) return error;
    throw new ResponseBroken('the message could not be read to its end', { cause: error });
  }
  if (sent !== size) throw new ResponseBroken(`${sent} bytes came of ${size}`);
  return undefined;
}

// ---- BINARY ----------------------------------------------------------------------------------------------------------

/** A part as BINARY sees it: its bytes and how they are encoded. */
interface EncodedPart extends ByteRange {
  readonly encoding: string;
}

function encodedPart(message: MessageBytes, path: readonly number[]): EncodedPart | null {
  if (path.length === 0) return { ...message.all, encoding: 'binary' }; // the message as it stands
  const part = partAt(message.record.root(), path);
  if (part === null) return null;
  // Composite parts have no encoding of their own (RFC 2045 6.4): they come as they stand.
  return { from: part.body, to: part.end, encoding: part.parts === undefined ? part.encoding : 'binary' };
}

/** @throws Refused `binary.unknown-encoding` (RFC 3516 4.3) */
function decoderOf({ encoding }: EncodedPart): TransferDecoder {
  const decoder = decodeTransfer(encoding);
  if (decoder !== null) return decoder;
  throw new Refused('binary.unknown-encoding', 'A part of the message has an encoding that this server does not know.');
}

async function writeBinary(
  out: FetchOutput,
  message: MessageBytes,
  { label, part, partial }: BinaryItem,
): Promise<Refused | undefined> {
  const encoded = encodedPart(message, part);
  if (encoded === null) {
    out.text(`${label} NIL`);
  } else if (encoded.to - encoded.from <= STREAM_ABOVE) {
    const chunks: Buffer[] = [];
    for await (const chunk of decoded(message, encoded)) chunks.push(Buffer.from(chunk)); // its buffer is used again
    writeBuffer(out, label, Buffer.concat(chunks), partial, true);
  } else {
    // Too large to hold: the first reading tells the size that the literal announces, the second gives the bytes.
    const size = await decodedSize(message, encoded);
    const range = within({ from: 0, to: size }, partial ?? { offset: 0, length: size });
    out.text(`${label} ~{${range.to - range.from}}\r\n`);
    return stream(out, cut(decoded(message, encoded), range), range.to - range.from);
  }
  return undefined;
}

/** BINARY.SIZE: of the decoded part; 0 for a part that isn't there. */
async function writeBinarySize(
  out: FetchOutput,
  message: MessageBytes,
  label: string,
  path: readonly number[],
): Promise<undefined> {
  const encoded = encodedPart(message, path);
  const size = encoded === null ? 0 : await decodedSize(message, encoded);
  out.text(`${label} ${size}`);
}

async function* decoded(message: MessageBytes, part: EncodedPart): AsyncGenerator<Buffer, void, undefined> {
  const decoder = decoderOf(part);
  for await (const chunk of message.chunks(part)) yield decoder.push(chunk);
  yield decoder.finish();
}

async function decodedSize(message: MessageBytes, part: EncodedPart): Promise<number> {
  let size = 0;
  for await (const chunk of decoded(message, part)) size += chunk.length;
  return size;
}

/** The bytes of a range of what comes in chunks; reads to the end, so that the checksum is verified. */
async function* cut(chunks: AsyncIterable<Buffer>, { from, to }: ByteRange): AsyncGenerator<Buffer, void, undefined> {
  let at = 0;
  for await (const chunk of chunks) {
    const piece = chunk.subarray(Math.max(from - at, 0), Math.max(to - at, 0));
    at += chunk.length;
    if (piece.length > 0) yield piece;
  }
}
