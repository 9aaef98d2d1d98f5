import { type Engine, PAGE_ROWS, type Reader } from '../store/engine/engine.ts';

/** All rows of a listing, read page by page: each page is a snapshot of its own. @param page  up to PAGE_ROWS rows after a key */
export async function* pages<T, Key>(
  engine: Pick<Engine, 'read'>,
  page: (tx: Reader, from: Key) => Promise<T[]>,
  first: Key,
  key: (row: T) => Key,
): AsyncGenerator<T> {
  for (let next = first; ; ) {
    const from = next;
    const rows = await engine.read((tx) => page(tx, from));
    yield* rows;
    if (rows.length < PAGE_ROWS) return;
    next = key(rows.at(-1)!);
  }
}
