/**
 * The text that SEARCH looks into (RFC 9051 6.4.4): transfer encodings and charsets decoded, encoded words too. HTML stays as it is,
 * tags and all. The headers of messages within a message belong to its body.
 */
import type { Part } from './analysis.ts';
import { decodeText, type TextReader, textReader } from './charsets.ts';
import { decodedHeader, Header } from './header.ts';
import { parameter } from './parameters.ts';
import { decodedTransfer, decodeTransfer } from './transfer-encoding.ts';

/** A stretch of a message that holds text to search. */
export interface TextRange {
  readonly from: number;
  readonly to: number;
  /** Whose header, or whose body, it is. */
  readonly kind: 'header' | 'body';
  readonly part: Part;
}

/** Where the searchable text of a message's body stands, in order: for SEARCH BODY, and for TEXT after the message's own header. */
export function textRanges(root: Part): TextRange[] {
  const ranges: TextRange[] = [];
  collect(root, ranges);
  return ranges;
}

/** The text of one range, from its bytes. */
export function rangeText(range: TextRange, bytes: Buffer): string {
  if (range.kind === 'header') return headerText(bytes);
  return decodeText(decodedTransfer(bytes, range.part.encoding), parameter(range.part.params, 'charset') ?? '');
}

/** Decodes the text of one part that comes in pieces: for parts that are not held in memory. */
export function partText(part: Part): TextReader {
  const transfer = decodeTransfer(part.encoding);
  const text = textReader(parameter(part.params, 'charset') ?? '');
  if (transfer === null) return text;
  return {
    push: (bytes) => text.push(transfer.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))),
    finish: () => text.push(transfer.finish()) + text.finish(),
  };
}

/** A header for people: a line a field, decoded. */
export function headerText(block: Buffer): string {
  const header = new Header(block.toString('latin1'));
  let text = '';
  for (let index = 0; index < header.length; index++) {
    const name = header.name(index);
    if (name !== '') text += `${name}: ${decodedHeader(header.value(index))}\n`;
  }
  return text;
}

function collect(part: Part, ranges: TextRange[]): void {
  if (part.type === 'text') ranges.push({ from: part.body, to: part.end, kind: 'body', part });
  for (const child of part.parts ?? []) {
    if (part.type !== 'multipart') ranges.push({ from: child.header, to: child.body, kind: 'header', part: child });
    collect(child, ranges);
  }
}
