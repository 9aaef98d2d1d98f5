/** Switches for the faults of a server's disk: a page of memory that disk.c shares with us. */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { TestContext } from 'node:test';

/** As `struct faults` in disk.c. */
const RULES_BYTES = 2_048;

export type FaultyCall = 'write' | 'read' | 'sync';

export class DiskFaults {
  readonly path: string;
  readonly #file: number;

  constructor(t: TestContext, path: string) {
    this.path = path;
    this.#file = openSync(path, 'w+', 0o600);
    t.after(() => closeSync(this.#file));
    this.mend();
  }

  /** From now on a call fails on files whose path contains `part`. */
  fail(call: FaultyCall, code: 'EIO' | 'ENOSPC', part: string): void {
    const rules = Buffer.alloc(RULES_BYTES);
    rules.write(`${call} ${code} ${part}`);
    writeSync(this.#file, rules, 0, RULES_BYTES, 0);
  }

  /** From now on the files may grow by so many bytes, together. */
  leaveRoom(bytes: number): void {
    this.#number(RULES_BYTES, bytes);
  }

  /** From now on the system tells that so many bytes are free. */
  tellRoom(bytes: number): void {
    this.#number(RULES_BYTES + 8, bytes);
  }

  /** Ends all faults. */
  mend(): void {
    writeSync(this.#file, Buffer.alloc(RULES_BYTES), 0, RULES_BYTES, 0);
    this.leaveRoom(-1);
    this.tellRoom(-1);
  }

  #number(position: number, value: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(value));
    writeSync(this.#file, bytes, 0, 8, position);
  }
}
