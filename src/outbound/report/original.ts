/** What a report gives back of the message it tells of. */
import { isUtf8 } from 'node:buffer';
import type { OutboundOptions } from '../../store/types.ts';
import type { Told } from './told.ts';

/** A message as it can be read. */
export interface Readable {
  readonly sizeBytes: number;
  /** Where its header ends, the blank line with it. */
  readonly headerBytes: number;
  /** From its first byte. Fails with Refused `message.gone`, `message.damaged`. */
  readonly read: () => AsyncIterable<Buffer>;
}

/** A whole message beyond is not given back when nobody asked for it: who sent it has it in Sent. */
const WHOLE_UNASKED = 100_000;
/** Nor beyond this when somebody did. */
const WHOLE_MOST = 10_000_000;
/** Of a header. */
const HEADER_MOST = 256 * 1024;
const BLANK_LINE = Buffer.from('\r\n\r\n');
const LINE_END = 2;

export interface Original {
  readonly kind: 'whole' | 'header';
  /** It has characters beyond ASCII in its header (RFC 6532). */
  readonly international: boolean;
  /** What is given back, from its first byte. */
  readonly read: () => AsyncIterable<Buffer>;
}

/** RFC 3461 4.3, 6.2: the whole message only where something failed. RFC 8689 5: what must not cross the network in the clear never whole. */
export function givenBack(options: OutboundOptions, sizeBytes: number, recipients: readonly Told[]): Original['kind'] {
  if (options.returns === 'headers' || options.requireTls === true) return 'header';
  if (!recipients.some(({ action }) => action === 'failed')) return 'header';
  return sizeBytes <= (options.returns === 'full' ? WHOLE_MOST : WHOLE_UNASKED) ? 'whole' : 'header';
}

/** @throws Refused `message.gone`, `message.damaged` */
export async function originalOf({ headerBytes, read }: Readable, kind: Original['kind']): Promise<Original> {
  const header = await headerOf(read(), Math.min(headerBytes, HEADER_MOST));
  return {
    kind,
    international: !isAscii(header) && isUtf8(header),
    read:
      kind === 'whole'
        ? read
        : async function* () {
            yield header;
          },
  };
}

/** The fields, without the blank line. */
async function headerOf(bytes: AsyncIterable<Buffer>, most: number): Promise<Buffer> {
  const collected: Buffer[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    collected.push(chunk);
    size += chunk.length;
    if (size >= most) break;
  }
  const header = Buffer.concat(collected).subarray(0, most);
  return header.subarray(-BLANK_LINE.length).equals(BLANK_LINE) ? header.subarray(0, -LINE_END) : header;
}

function isAscii(bytes: Buffer): boolean {
  return bytes.every((byte) => byte < 0x80);
}
