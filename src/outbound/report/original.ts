/** What a report gives back of the message it tells of. */
import { isUtf8 } from 'node:buffer';
import type { Store } from '../../store/api.ts';
import type { QueuedMessage } from '../../store/queue.ts';
import type { EmailRecord, OutboundOptions } from '../../store/types.ts';
import type { Told } from './told.ts';

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
  /** Ends with the line end of its last field. */
  readonly header: Buffer;
  /** It has characters beyond ASCII (RFC 6532). */
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

/** The message as it left, or would have left, but for signatures. @throws Refused `message.gone`, `message.damaged` */
export async function originalOf(
  store: Pick<Store, 'bodyChunks'>,
  { account, prefix }: QueuedMessage,
  record: EmailRecord,
  kind: Original['kind'],
): Promise<Original> {
  const { email, body } = record;
  async function* bytes(to: number): AsyncGenerator<Buffer, void, void> {
    if (prefix.length > 0) yield prefix;
    yield* store.bodyChunks(account, email, body, { to });
  }
  const collected: Buffer[] = [];
  for await (const chunk of bytes(Math.min(record.root().body, HEADER_MOST))) collected.push(chunk);
  const all = Buffer.concat(collected);
  const header = all.subarray(-BLANK_LINE.length).equals(BLANK_LINE) ? all.subarray(0, -LINE_END) : all;
  async function* read(): AsyncGenerator<Buffer, void, void> {
    if (kind === 'header') yield header;
    else yield* bytes(body.length);
  }
  return { kind, header, international: !isAscii(header) && isUtf8(header), read };
}

function isAscii(bytes: Buffer): boolean {
  return bytes.every((byte) => byte < 0x80);
}
