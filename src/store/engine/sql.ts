/**
 * SQL statements as values. Each is declared once, at the top of the file that uses it, with the type of its rows:
 *
 *   const NEXT_UID = sql<readonly [uidnext: number]>('SELECT uidnext FROM mailbox WHERE account_id = ? AND mailbox_id = ?');
 *
 * The list of all of them is what the portability check prepares on PostgreSQL (test/store/portable.test.ts), so
 * statements use only what both engines understand; `?` becomes `$n` there.
 */

export type Value = number | string | Uint8Array | null;

export interface Sql<Row extends readonly Value[] = readonly Value[]> {
  readonly text: string;
  /** Index in {@link allStatements}: engines keep their prepared statement at this place of an array. */
  readonly index: number;
  /** Never present: carries the type of the rows. */
  readonly row?: Row;
}

const statements: Sql[] = [];

/** Declares a statement. Call it at module level only: the list must not grow while the server runs. */
export function sql<Row extends readonly Value[] = readonly Value[]>(text: string): Sql<Row> {
  const statement: Sql<Row> = { text: text.replace(/\s+/g, ' ').trim(), index: statements.length };
  statements.push(statement as Sql);
  return statement;
}

/** Every statement declared by the modules loaded so far. */
export function allStatements(): readonly Sql[] {
  return statements;
}
