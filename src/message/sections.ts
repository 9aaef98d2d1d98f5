/** Finding what FETCH asks for: sections of a message (RFC 9051 6.4.5.1). */
import type { Part } from './analysis.ts';

export type SectionSpec = '' | 'HEADER' | 'TEXT' | 'MIME';

/** Bytes of the message: `from` is the first, `to` the one after the last. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The bytes of a section, or null when the message has no such part.
 *
 * @param path part numbers, each from 1; empty for the message itself
 */
export function section(root: Part, path: readonly number[], spec: SectionSpec): ByteRange | null {
  if (path.length === 0) return messageSection(root, spec);
  const part = partAt(root, path);
  if (part === null) return null;
  if (spec === '') return { from: part.body, to: part.end };
  if (spec === 'MIME') return { from: part.header, to: part.body };
  const message = messageWithin(part);
  return message === null ? null : messageSection(message, spec); // HEADER and TEXT of a part that is no message: nothing
}

/** The part with this number, or null. Part 1 of a message that is no multipart is that message, for its body. */
export function partAt(root: Part, path: readonly number[]): Part | null {
  let part = root;
  /** The message whose parts the next number counts, when `part` was not reached by a number itself. */
  let message: Part | null = root;
  for (const number of path) {
    const holder: Part | null = message ?? (part.type === 'multipart' ? part : messageWithin(part));
    if (holder === null) return null;
    if (holder.type === 'multipart') {
      const next: Part | undefined = holder.parts?.[number - 1];
      if (next === undefined) return null;
      part = next;
    } else {
      if (number !== 1) return null;
      part = holder;
    }
    message = null;
  }
  return part;
}

/** The message within a message/rfc822. */
function messageWithin(part: Part): Part | null {
  return part.type === 'multipart' ? null : (part.parts?.[0] ?? null);
}

function messageSection(message: Part, spec: SectionSpec): ByteRange | null {
  switch (spec) {
    case '':
      return { from: message.header, to: message.end };
    case 'HEADER':
      return { from: message.header, to: message.body };
    case 'TEXT':
      return { from: message.body, to: message.end };
    case 'MIME':
      return null; // RFC 9051 6.4.5.1: MIME needs a part number
  }
}
