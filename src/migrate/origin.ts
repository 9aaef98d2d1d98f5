/**
 * What is remembered of each message that was brought: its key, which names it at the source, and a note of what the source last said of it.
 * Pure.
 *
 * A key is written as the path of an IMAP URL (RFC 5092 2): `Lists%2FNode;UIDVALIDITY=385759045/;UID=20`. The note holds what tells one message
 * from another when the source gives it a new name, and its flags: `size received header-hash flag flag ...`.
 */
import { hash } from 'node:crypto';
import { HEADER_BYTES, type SourceMessage } from './source.ts';

/** What all keys of a folder begin with, before the `;`. */
export function groupOf(folder: string): string {
  return encodeURIComponent(folder.toWellFormed());
}

export function folderOf(group: string): string {
  return decodeURIComponent(group);
}

export function keyOf(folder: string, generation: string, id: string): string {
  return `${groupOf(folder)};UIDVALIDITY=${generation}/;UID=${encodeURIComponent(id)}`;
}

export interface Note {
  readonly sizeBytes: number;
  readonly received: number | null;
  /** {@link HeaderHash} */
  readonly header: string;
  readonly flags: readonly string[];
}

export function noteOf(message: SourceMessage, header: string): string {
  return [message.sizeBytes, message.received ?? '-', header, ...message.flags].join(' ');
}

export function parseNote(note: string): Note {
  const [size, received, header = '', ...flags] = note.split(' ');
  return { sizeBytes: Number(size), received: received === '-' ? null : Number(received), header, flags };
}

const END_OF_HEADER = Buffer.from('\r\n\r\n');

/**
 * A short hash of a message's header, taken while its bytes pass. The header ends before its empty line, or after {@link HEADER_BYTES}; line
 * ends at its end don't count, since servers give BODY[HEADER] with and without the empty line.
 */
export class HeaderHash {
  #header: Buffer = Buffer.alloc(0);
  #ended = false;

  push(chunk: Buffer): void {
    if (this.#ended) return;
    const block = Buffer.concat([this.#header, chunk.subarray(0, HEADER_BYTES - this.#header.length)]);
    // A message that begins with the empty line has no header.
    const end = block.toString('latin1', 0, 2) === '\r\n' ? 0 : block.indexOf(END_OF_HEADER);
    this.#header = end === -1 ? block : block.subarray(0, end);
    this.#ended = end !== -1 || block.length === HEADER_BYTES;
  }

  /** Sixteen hexadecimal digits. */
  digest(): string {
    let end = this.#header.length;
    while (end > 0 && (this.#header[end - 1] === 13 || this.#header[end - 1] === 10)) end -= 1;
    return hash('sha256', this.#header.subarray(0, end)).slice(0, 16);
  }
}

export function hashHeader(header: Buffer): string {
  const whole = new HeaderHash();
  whole.push(header);
  return whole.digest();
}
