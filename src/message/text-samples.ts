/** The beginnings of a message's texts, for its preview: of the first of each kind that is shown. */
import { BoundedBuffer } from './bounded-buffer.ts';
import type { ContentFields } from './content-fields.ts';
import { parameter } from './parameters.ts';

/** Bytes kept. HTML often has a long style sheet in front. */
const PLAIN_SAMPLE = 4 * 1024;
const HTML_SAMPLE = 16 * 1024;

/** The first bytes of a text part, not decoded. */
export interface TextSample {
  readonly encoding: string;
  readonly charset: string;
  readonly bytes: Buffer;
}

interface Sample {
  readonly content: ContentFields;
  readonly bytes: BoundedBuffer;
}

export class TextSamples {
  #plain: Sample | null = null;
  #html: Sample | null = null;

  /** Where the first bytes of a part that is not within another message go; null when they are not wanted. */
  of(content: ContentFields): BoundedBuffer | null {
    const { type, subtype, disposition } = content;
    if (type !== 'text' || disposition === 'attachment') return null;
    if (subtype === 'plain' && this.#plain === null) {
      this.#plain = { content, bytes: new BoundedBuffer(PLAIN_SAMPLE) };
      return this.#plain.bytes;
    }
    if (subtype === 'html' && this.#html === null) {
      this.#html = { content, bytes: new BoundedBuffer(HTML_SAMPLE) };
      return this.#html.bytes;
    }
    return null;
  }

  get plain(): TextSample | null {
    return sampleOf(this.#plain);
  }

  get html(): TextSample | null {
    return sampleOf(this.#html);
  }
}

function sampleOf(sample: Sample | null): TextSample | null {
  if (sample === null) return null;
  const { encoding, params } = sample.content;
  return { encoding, charset: parameter(params, 'charset') ?? '', bytes: sample.bytes.bytes };
}
