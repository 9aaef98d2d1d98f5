/** An entity of a message while it is read (mime-reader.ts). */
import type { Part } from './analysis.ts';
import type { BoundedBuffer } from './bounded-buffer.ts';
import { type ContentFields, PLAIN_TEXT } from './content-fields.ts';
import { EMPTY_ENVELOPE } from './envelope.ts';
import { decodeParameters } from './parameters.ts';

/** An entity that has begun and not ended. */
export interface OpenEntity {
  readonly header: number;
  body: number;
  content: ContentFields;
  kind: 'leaf' | 'multipart' | 'message';
  /** Of a multipart, until its close-delimiter: `--` and the boundary. */
  boundary: Buffer | null;
  /** What precedes the first delimiter of the multipart around it; no part, unless that delimiter never comes. */
  readonly preamble: boolean;
  /** Lines counted before the body. */
  linesBefore: number;
  /** Of a message/rfc822: the ENVELOPE of the message within. */
  envelope: string;
  readonly parts: Part[];
  /** The parts' structures, written together. */
  structures: string;
  sample: BoundedBuffer | null;
}

/** One that begins at this offset; until its header is read it is plain text. */
export function opened(header: number, preamble: boolean): OpenEntity {
  return {
    header,
    body: header,
    content: PLAIN_TEXT,
    kind: 'leaf',
    boundary: null,
    preamble,
    linesBefore: 0,
    envelope: EMPTY_ENVELOPE,
    parts: [],
    structures: '',
    sample: null,
  };
}

/** What it is once it has ended. @param lines  of its body; null: not told of its kind */
export function partOf(entity: OpenEntity, end: number, lines: number | null): Part {
  const { content } = entity;
  return {
    header: entity.header,
    body: entity.body,
    end,
    type: content.type,
    subtype: content.subtype,
    params: decodeParameters(content.params),
    encoding: content.encoding,
    ...(content.disposition === null
      ? undefined
      : { disposition: content.disposition, dispositionParams: decodeParameters(content.dispositionParams) }),
    ...(content.id === null ? undefined : { id: content.id }),
    ...(lines === null ? undefined : { lines }),
    ...(entity.kind === 'leaf' ? undefined : { parts: entity.parts }),
  };
}
