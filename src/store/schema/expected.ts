/** What a database of this version looks like, asked of an empty one that SQLite makes in memory: for checking and for salvaging. */
import { DatabaseSync } from 'node:sqlite';
import { MIGRATION_TABLE, MIGRATIONS } from './migrations.ts';

export interface ExpectedColumn {
  readonly name: string;
  readonly type: 'INTEGER' | 'TEXT' | 'BLOB';
  readonly notNull: boolean;
  /** Place in the primary key, from 1; 0: no part of it. */
  readonly key: number;
  /** A row written before the column was added has none: it is read as this. Undefined: every row has one. */
  readonly hasDefault: boolean;
}

export interface ExpectedTable {
  readonly name: string;
  readonly columns: readonly ExpectedColumn[];
  /** Kept in the order of its key, which may have several columns; else by one integer. */
  readonly withoutRowid: boolean;
}

/** All tables, in the order in which they are made. */
export function expectedTables(): readonly ExpectedTable[] {
  const database = new DatabaseSync(':memory:');
  try {
    makeTables(database);
    const tables = database
      .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY rowid")
      .all() as {
      name: string;
      sql: string;
    }[];
    return tables.map(({ name, sql }) => ({
      name,
      withoutRowid: /WITHOUT ROWID\s*$/i.test(sql),
      columns: (database.prepare(`PRAGMA table_xinfo(${name})`).all() as unknown as ColumnInfo[]).map((column) => ({
        name: column.name,
        type: column.type as ExpectedColumn['type'],
        notNull: column.notnull === 1,
        key: column.pk,
        hasDefault: column.dflt_value !== null || (column.notnull === 0 && column.pk === 0),
      })),
    }));
  } finally {
    database.close();
  }
}

interface ColumnInfo {
  readonly name: string;
  readonly type: string;
  readonly notnull: 0 | 1;
  readonly dflt_value: string | null;
  readonly pk: number;
}

/** Makes every table and index in an empty database, and notes that it has all migrations. */
export function makeTables(database: DatabaseSync): void {
  database.exec(MIGRATION_TABLE);
  for (const { statements } of MIGRATIONS) for (const statement of statements) database.exec(statement);
}

/**
 * What a database lacks of its tables and their columns; empty when it is as its version made it. A flipped bit in the schema takes a name away.
 * Only for a database that has all migrations.
 */
export function missingTables(database: DatabaseSync): string[] {
  const missing: string[] = [];
  for (const { name, columns } of expectedTables()) {
    const found = new Map(
      (database.prepare(`PRAGMA table_xinfo(${name})`).all() as unknown as ColumnInfo[]).map((each) => [
        each.name,
        each,
      ]),
    );
    for (const column of columns) {
      const there = found.get(column.name);
      if (there === undefined || there.type !== column.type || there.pk !== column.key)
        missing.push(`${name}.${column.name}`);
    }
  }
  return missing;
}

/** A condition in SQL that is true of rows which do not have the shape of their table: something that no program wrote. */
export function misshapen({ columns }: ExpectedTable): string {
  const whole = columns.map(({ name, type, notNull }) => {
    const right =
      type === 'INTEGER'
        ? `typeof(${name}) = 'integer' AND ${name} BETWEEN ${Number.MIN_SAFE_INTEGER} AND ${Number.MAX_SAFE_INTEGER}`
        : `typeof(${name}) = '${type.toLowerCase()}'`;
    return notNull ? `(${right})` : `(${name} IS NULL OR ${right})`;
  });
  return `NOT (${whole.join(' AND ')})`;
}
