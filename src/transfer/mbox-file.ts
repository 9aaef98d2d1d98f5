/** Reads the messages of an mbox file (mbox-reader.ts, mbox-fields.ts), one after the other, whatever its size. */
import { open } from 'node:fs/promises';
import { DOVECOT_UIDL, uidlByFormat } from '../uidl-format.ts';
import { CrlfLines } from './line-ends.ts';
import { type MboxFields, mboxFields } from './mbox-fields.ts';
import { isMboxBoundary, type MboxEvent, MboxReader } from './mbox-reader.ts';
import { chunksOf } from './read-files.ts';
import { type Found, type Reading, WHOLE_UP_TO } from './source.ts';

/** What is looked at to see whether a claimed length is true. */
const LOOK_AHEAD = 1_200;

/** True when the file is an mbox: it begins with a From line, or is empty. */
export async function isMbox(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(LOOK_AHEAD), 0, LOOK_AHEAD, 0);
    return bytesRead === 0 || isMboxBoundary(buffer.subarray(0, bytesRead), false);
  } finally {
    await file.close();
  }
}

/** @param inbox  POP3 shows this folder: its messages had ids there */
export async function* readMbox(path: string, inbox: boolean, reading: Reading): AsyncGenerator<Found, void> {
  const events = eventsOf(path, reading);
  let next = await events.next();
  let uidvalidity: number | null = null;
  for (let number = 1; !next.done; number++) {
    // Between messages `next` is always the beginning of one: the reader says nothing before it.
    if (next.value.kind !== 'message')
      throw new Error(`${path}: the reader gave a ${next.value.kind} outside a message`);
    const where = `${path}, message ${number}`;
    const { received, header } = next.value;
    const fields = mboxFields(header);
    uidvalidity ??= fields.uidvalidity;
    const beginning = next;
    const bytes = (async function* () {
      yield fields.header;
      for (next = await events.next(); !next.done && next.value.kind === 'data'; next = await events.next()) {
        yield next.value.bytes;
      }
    })();
    if (fields.noMessage === 'removed') {
      yield {
        where,
        reason: 'it was deleted, and only waits to be removed from the file (Thunderbird: “Compact Folders”)',
      };
    } else if (fields.noMessage === null) {
      const uidl = fields.uidl ?? (inbox ? oldUidl(fields, uidvalidity, reading.uidlFormat) : null);
      yield {
        where,
        key: null,
        content: await wholeOrParts(wireForm(bytes, fields)),
        received,
        flags: fields.flags,
        uidl,
      };
    }
    // What was left unread.
    if (next === beginning) next = await events.next();
    while (!next.done && next.value.kind === 'data') next = await events.next();
  }
}

/** POP3's unique id by UID and UIDVALIDITY, which Dovecot and UW keep in the file. */
function oldUidl({ uid }: MboxFields, uidvalidity: number | null, format: string | null): string | null {
  return uidlByFormat(format ?? DOVECOT_UIDL, { uid, uidvalidity, file: null });
}

async function* eventsOf(path: string, reading: Reading): AsyncGenerator<Exclude<MboxEvent, { kind: 'claim' }>, void> {
  const reader = new MboxReader();
  const heard = async function* (events: MboxEvent[]): AsyncGenerator<Exclude<MboxEvent, { kind: 'claim' }>, void> {
    for (const event of events) {
      if (event.kind !== 'claim') yield event;
      else yield* heard(reader.believe(await endsAt(path, event.end)));
    }
  };
  for await (const { bytes, end } of chunksOf(path)) {
    reading.position(end);
    yield* heard(reader.push(bytes));
  }
  yield* heard(reader.end());
}

/** True when a message may end at this offset of the file. */
async function endsAt(path: string, offset: number): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (offset > size) return false;
    const { bytesRead, buffer } = await file.read(Buffer.alloc(LOOK_AHEAD), 0, LOOK_AHEAD, offset);
    return isMboxBoundary(buffer.subarray(0, bytesRead), offset + bytesRead === size);
  } finally {
    await file.close();
  }
}

/** The message as it was received: without the line end that the file added, and with the wire's line ends. */
async function* wireForm(
  bytes: AsyncIterable<Buffer>,
  { exact, open: isOpen }: MboxFields,
): AsyncGenerator<Buffer, void> {
  const lines = new CrlfLines();
  const wire = (part: Buffer) => (exact ? part : lines.push(part));
  let last: Buffer = Buffer.alloc(0);
  for await (const part of bytes) {
    if (!isOpen) yield wire(part);
    else if (part.length > 0) {
      yield wire(Buffer.concat([last, part.subarray(0, -1)]));
      last = part.subarray(-1);
    }
  }
  if (last[0] !== LF) yield wire(last);
}

const LF = 10;

/** A message that isn't large, whole. */
async function wholeOrParts(parts: AsyncGenerator<Buffer, void>): Promise<Buffer | AsyncIterable<Buffer>> {
  const begun: Buffer[] = [];
  let bytes = 0;
  for (let next = await parts.next(); !next.done; next = await parts.next()) {
    begun.push(next.value);
    bytes += next.value.length;
    if (bytes > WHOLE_UP_TO) {
      return (async function* () {
        yield* begun;
        yield* parts;
      })();
    }
  }
  return Buffer.concat(begun);
}
