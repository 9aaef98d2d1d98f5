/** States of a made-up store, as a run of the backup sees them: a database that changes here and there, and segments that grow and go. */
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Layout } from '../../../src/backup/repository/layout.ts';
import type { Snapshot } from '../../../src/backup/repository/snapshot.ts';
import { type BackupMade, run } from '../../../src/backup/run-job.ts';
import { Random } from '../../crash/random.ts';
import { noise } from '../../store/bodies/helpers.ts';

export class State {
  database: Buffer = noise(300_000);
  readonly segments = new Map<number, Buffer>();
  #seed = 2;
  #nextSegment = 1;

  /** Something happens to it. */
  change(what: 'write' | 'append' | 'seal' | 'compact', where: number): void {
    const seed = this.#seed++;
    const last = [...this.segments.keys()].at(-1);
    if (what === 'write') {
      const at = Math.floor(where * (this.database.length - 4_096));
      this.database = Buffer.concat([this.database, noise(where < 0.3 ? 20_000 : 0, seed)]);
      noise(4_096, seed).copy(this.database, at);
    } else if (what === 'seal' || last === undefined)
      this.segments.set(this.#nextSegment++, noise(Math.ceil(where * 2_500_000), seed));
    else if (what === 'append') {
      const text = Buffer.from(`Subject: ${seed}\r\n\r\n`.repeat(Math.ceil(where * 40_000)));
      this.segments.set(last, Buffer.concat([this.segments.get(last)!, text]));
    } else this.segments.delete([...this.segments.keys()][Math.floor(where * this.segments.size)]!);
  }

  copy(): { database: Buffer; segments: Map<number, Buffer> } {
    return { database: Buffer.from(this.database), segments: new Map(this.segments) };
  }
}

/** The state that has come about by the n-th time: always the same. */
export function stateOf(n: number): Copy {
  const state = new State();
  const random = new Random(7);
  for (let time = 0; time < n * 3; time++) {
    state.change(random.pick(['write', 'append', 'seal', 'compact'] as const), random.next());
  }
  return state.copy();
}

export type Copy = ReturnType<State['copy']>;

export interface BackUpOptions {
  /** Bytes read, after which it is stopped. */
  readonly stopAfter?: number;
  /** Damages the file of a segment before it is read. */
  readonly hurt?: (path: string, id: number) => Promise<void>;
}

/** Backs a state up, from files in `folder`. */
export async function backUpState(
  layout: Layout,
  folder: string,
  state: Copy,
  taken: number,
  { stopAfter = Number.POSITIVE_INFINITY, hurt = async () => {} }: BackUpOptions = {},
): Promise<BackupMade> {
  await mkdir(folder, { recursive: true });
  const databasePath = join(folder, 'mail.db');
  await writeFile(databasePath, state.database);
  const segments: { id: number; bytes: number; path: string }[] = [];
  for (const [id, bytes] of state.segments) {
    const path = join(folder, `${id}.seg`);
    await writeFile(path, bytes);
    await hurt(path, id);
    segments.push({ id, bytes: bytes.length, path });
  }
  const file = openSync(databasePath, 'r');
  try {
    const database = { file, bytes: state.database.length };
    const job = {
      kind: 'run',
      layout,
      version: 'test',
      taken,
      storeId: 'store',
      database,
      segments,
      files: [],
    } as const;
    let read = 0;
    return await run(
      job,
      ({ done }) => {
        read = done;
      },
      () => read > stopAfter,
      () => {},
    );
  } finally {
    closeSync(file);
  }
}

/** Everything that a snapshot holds, read back through its two ways: files whole, and ranges. */
export async function readBack(snapshot: Snapshot, folder: string): Promise<Copy> {
  await mkdir(folder, { recursive: true });
  const database = join(folder, 'restored.db');
  await snapshot.readDatabase(database);
  const segments = new Map<number, Buffer>();
  for (const { id, bytes } of snapshot.segments) {
    const middle = Math.floor(bytes / 2);
    segments.set(
      id,
      Buffer.concat([await snapshot.readSegment(id, 0, middle), await snapshot.readSegment(id, middle, bytes)]),
    );
  }
  return { database: await readFile(database), segments };
}
