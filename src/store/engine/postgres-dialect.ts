/** How the store's portable SQL reads on PostgreSQL. The portability check uses it; so will the engine. */

/** A statement of the schema. */
export function schemaToPostgres(statement: string): string {
  return statement
    .replace(/\bINTEGER\b/g, 'BIGINT')
    .replace(/\bBLOB\b/g, 'BYTEA')
    .replace(/\) WITHOUT ROWID$/, ')');
}

/** A statement with `?` in the place of values (the store's SQL has no `?` in literals). */
export function statementToPostgres(statement: string): string {
  let number = 0;
  return statement.replace(/\?/g, () => `$${++number}`);
}
