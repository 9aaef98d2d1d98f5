/**
 * All rows that can still be read of a damaged database: the trees of its tables first, from their roots; then pages that no tree leads to any
 * more, because a page above them is damaged, as far as the shape of their records tells which table they are of.
 */
import type { ExpectedTable } from '../schema/expected.ts';
import { type Cell, readRecord, readTreePage, type TreePage, type Value } from './btree.ts';
import { type DatabaseFile, PAGE_BYTES } from './database-file.ts';

export interface FoundRow {
  readonly table: ExpectedTable;
  /** In the order of the table's columns. Shorter than those when it was written before the last of them were added. */
  readonly values: readonly (number | string | Buffer | null)[];
}

/** Tables whose records can be told from those of indexes by their shape: narrower ones are just numbers. */
const TELLING_COLUMNS = 6;

const SCHEMA: ExpectedTable = {
  name: 'sqlite_schema',
  withoutRowid: false,
  columns: [
    { name: 'type', type: 'TEXT', notNull: true, key: 0, hasDefault: false },
    { name: 'name', type: 'TEXT', notNull: true, key: 0, hasDefault: false },
    { name: 'tbl_name', type: 'TEXT', notNull: true, key: 0, hasDefault: false },
    { name: 'rootpage', type: 'INTEGER', notNull: true, key: 0, hasDefault: false },
    { name: 'sql', type: 'TEXT', notNull: false, key: 0, hasDefault: false },
  ],
};

export class RowFinder {
  /** Pages of tables that can't be read or are not what leads to them says; rows that can't be read or do not have the shape of their table. */
  readonly lost = { pages: 0, rows: 0 };
  readonly #file: DatabaseFile;
  readonly #tables: readonly ExpectedTable[];
  /** Pages that a tree, or the list of free ones, has. */
  readonly #claimed: Uint8Array;

  constructor(file: DatabaseFile, tables: readonly ExpectedTable[]) {
    this.#file = file;
    this.#tables = tables;
    this.#claimed = new Uint8Array(file.pages + 1);
  }

  *rows(): Generator<FoundRow> {
    const { roots, whole } = this.#roots();
    const byName = new Map(this.#tables.map((table) => [table.name, table]));
    const freeIsKnown = this.#claimFree();
    for (const [name, root] of roots) {
      const table = byName.get(name);
      if (table === undefined) for (const _ of this.#tree(root, undefined)); // an index: only its pages are claimed
    }
    for (const table of this.#tables) {
      const root = roots.get(table.name);
      if (root !== undefined) yield* this.#tree(root, table);
      else if (!whole) this.lost.pages++; // else an older version wrote the database, and had no such table
    }
    // A page that is neither in a tree nor free stood below a damaged one. What the free ones hold was deleted: it must stay so, unless they can't
    // be told from others.
    if (this.lost.pages > 0 || !freeIsKnown) yield* this.#unclaimed();
  }

  /** Where each table and index begins; `whole` when nothing of the schema is lost. */
  #roots(): { readonly roots: ReadonlyMap<string, number>; readonly whole: boolean } {
    const roots = new Map<string, number>();
    const note = ({ values: [, name, , root] }: FoundRow): void => {
      if (typeof name === 'string' && typeof root === 'number' && !roots.has(name)) roots.set(name, root);
    };
    for (const row of this.#tree(1, SCHEMA)) note(row);
    if (this.lost.pages === 0 && this.lost.rows === 0) return { roots, whole: true };
    for (let number = 2; number <= this.#file.pages; number++) {
      const page = this.#read(number);
      if (page === undefined || !page.isTable || !page.isLeaf || page.cells.length === 0) continue;
      const rows = page.cells.map((cell) => this.#row(cell, SCHEMA));
      if (!rows.every((row) => row?.values[0] === 'table' || row?.values[0] === 'index')) continue;
      this.#claimed[number] = 1;
      for (const row of rows) if (row !== undefined) note(row);
    }
    return { roots, whole: false };
  }

  *#tree(root: number, table: ExpectedTable | undefined): Generator<FoundRow> {
    const pending = [root];
    for (let number = pending.pop(); number !== undefined; number = pending.pop()) {
      const page = this.#claimed[number] === 1 ? undefined : this.#read(number);
      if (page === undefined || (table !== undefined && page.isTable === table.withoutRowid)) {
        if (table !== undefined) this.lost.pages++;
        continue;
      }
      this.#claimed[number] = 1;
      if (page.damaged && table !== undefined) this.lost.pages++;
      pending.push(...page.children.toReversed());
      for (const cell of page.cells) {
        const row = this.#row(cell, table);
        if (row !== undefined) yield row;
        else if (table !== undefined) this.lost.rows++;
      }
    }
  }

  *#unclaimed(): Generator<FoundRow> {
    for (let number = 2; number <= this.#file.pages; number++) {
      if (this.#claimed[number] === 1) continue;
      const page = this.#read(number);
      if (page === undefined || (page.isTable && !page.isLeaf)) continue;
      for (const cell of page.cells) {
        const rows = this.#tables
          .filter((table) => table.withoutRowid !== page.isTable && table.columns.length >= TELLING_COLUMNS)
          .map((table) => this.#row(cell, table))
          .filter((row) => row !== undefined);
        if (rows.length === 1) yield rows[0]!;
      }
    }
  }

  /** Claims the free pages. @returns false when not all of them are known */
  #claimFree(): boolean {
    const header = this.#file.page(1);
    if (header === undefined) return false;
    let left = header.readUInt32BE(36);
    const claim = (number: number): boolean => {
      if (number < 2 || number > this.#file.pages || this.#claimed[number] === 1) return false;
      this.#claimed[number] = 1;
      left--;
      return true;
    };
    for (let trunk = header.readUInt32BE(32); trunk !== 0; ) {
      const page = this.#file.page(trunk);
      if (page === undefined || !claim(trunk)) return false;
      const count = page.readUInt32BE(4);
      if (count > PAGE_BYTES / 4 - 2) return false;
      for (let index = 0; index < count; index++) if (!claim(page.readUInt32BE(8 + index * 4))) return false;
      trunk = page.readUInt32BE(0);
    }
    return left === 0;
  }

  #read(number: number): TreePage | undefined {
    const page = this.#file.page(number);
    return page === undefined ? undefined : readTreePage(page, number);
  }

  #row(cell: Cell, table: ExpectedTable | undefined): FoundRow | undefined {
    const record = this.#whole(cell);
    if (record === undefined || table === undefined) return undefined;
    const values = readRecord(record);
    const row = values === undefined ? undefined : asRow(values, cell.rowid, table);
    return row === undefined ? undefined : { table, values: row };
  }

  /** A record with what of it stands on pages of its own. */
  #whole({ local, bytes, overflow }: Cell): Buffer | undefined {
    if (overflow === 0) return local;
    const pieces = [local];
    let left = bytes - local.length;
    for (let number = overflow; left > 0; ) {
      const page = this.#file.page(number);
      if (page === undefined) return undefined;
      this.#claimed[number] = 1;
      const piece = page.subarray(4, 4 + Math.min(left, PAGE_BYTES - 4));
      pieces.push(piece);
      left -= piece.length;
      number = page.readUInt32BE(0);
      if (number === 0 && left > 0) return undefined;
    }
    return Buffer.concat(pieces);
  }
}

/** The values in the order of the table's columns, if they have its shape. */
function asRow(
  stored: readonly Value[],
  rowid: number | undefined,
  table: ExpectedTable,
): FoundRow['values'] | undefined {
  const columns = table.withoutRowid ? keyFirst(table) : table.columns;
  if (stored.length > columns.length) return undefined;
  const byName = new Map<string, number | string | Buffer | null>();
  for (const [index, column] of columns.entries()) {
    let value = stored[index];
    if (value === undefined) {
      if (!column.hasDefault) return undefined;
      continue;
    }
    // The key of such a table stands before the record; NULL holds its place within.
    if (!table.withoutRowid && column.key === 1 && column.type === 'INTEGER') value = value === null ? rowid! : 1n;
    if (typeof value === 'bigint' || !fits(value, column)) return undefined;
    byName.set(column.name, value);
  }
  const values: (number | string | Buffer | null)[] = [];
  for (const { name } of table.columns) {
    const value = byName.get(name);
    if (value === undefined) break; // added later than the row was written
    values.push(value);
  }
  return values.length === byName.size ? values : undefined;
}

function fits(value: number | string | Buffer | null, column: ExpectedTable['columns'][number]): boolean {
  if (value === null) return !column.notNull;
  if (column.type === 'INTEGER') return typeof value === 'number';
  return column.type === 'TEXT' ? typeof value === 'string' : Buffer.isBuffer(value);
}

/** How a table without rowid stores its columns: those of the key first, in the key's order. */
function keyFirst({ columns }: ExpectedTable): ExpectedTable['columns'] {
  const key = columns.filter((column) => column.key > 0).sort((a, b) => a.key - b.key);
  return [...key, ...columns.filter((column) => column.key === 0)];
}
