/** The log that disk.c writes under a server: what reached its disk, in order, with the journal of the load in between. */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { Event, Journal } from './journal.ts';

export type DiskEvent =
  | {
      readonly kind: 'open';
      readonly file: number;
      readonly path: string;
      /** Makes the file if it is missing. */
      readonly creates: boolean;
      readonly truncates: boolean;
    }
  | {
      readonly kind: 'write';
      readonly file: number;
      readonly offset: number;
      readonly data: Buffer;
      /** On disk when the call returned (O_DSYNC). */
      readonly inStep: boolean;
    }
  | { readonly kind: 'truncate'; readonly file: number; readonly size: number }
  | { readonly kind: 'sync'; readonly file: number; readonly number: number }
  | { readonly kind: 'synced'; readonly file: number; readonly number: number }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'unlink'; readonly path: string }
  | { readonly kind: 'journal'; readonly event: Event };

const HEADER_BYTES = 24;

/**
 * Writes the journal into the log of the disk. An event is appended after the reply was read that it tells of; so in the log it
 * stands behind everything that the server did for that reply.
 */
export class LoggedJournal implements Journal {
  readonly #file: number;
  readonly #heard: (event: Event) => void;

  constructor(path: string, heard: (event: Event) => void) {
    this.#file = openSync(path, 'a', 0o600);
    this.#heard = heard;
  }

  write(event: Event): void {
    const data = Buffer.from(JSON.stringify(event));
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32LE('j'.charCodeAt(0), 0);
    header.writeUInt32LE(data.length, 16);
    writeSync(this.#file, Buffer.concat([header, data]));
    this.#heard(event);
  }

  close(): void {
    closeSync(this.#file);
  }
}

export function readDiskLog(path: string): DiskEvent[] {
  const log = readFileSync(path);
  const events: DiskEvent[] = [];
  for (let at = 0; at < log.length; ) {
    const kind = String.fromCharCode(log.readUInt32LE(at));
    const file = log.readUInt32LE(at + 4);
    const offset = Number(log.readBigUInt64LE(at + 8));
    const length = log.readUInt32LE(at + 16);
    const extra = log.readUInt32LE(at + 20);
    const data = log.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length);
    events.push(eventOf(kind, file, offset, extra, data));
    at += HEADER_BYTES + length;
  }
  return events;
}

function eventOf(kind: string, file: number, offset: number, extra: number, data: Buffer): DiskEvent {
  switch (kind) {
    case 'o':
      return { kind: 'open', file, path: `${data}`, creates: (extra & 1) !== 0, truncates: (extra & 2) !== 0 };
    case 'w':
      return { kind: 'write', file, offset, data, inStep: extra === 1 };
    case 't':
      return { kind: 'truncate', file, size: offset };
    case 's':
      return { kind: 'sync', file, number: extra };
    case 'e':
      return { kind: 'synced', file, number: extra };
    case 'r': {
      const [from, to] = `${data}`.split('\0') as [string, string];
      return { kind: 'rename', from, to };
    }
    case 'u':
      return { kind: 'unlink', path: `${data}` };
    case 'j':
      return { kind: 'journal', event: JSON.parse(`${data}`) as Event };
    default:
      throw new Error(`the log of the disk holds a record of kind ${JSON.stringify(kind)}`);
  }
}
