/** A database brought to the schema of this release: each migration that it has not had, in a transaction of its own. */
import type { DatabaseSync } from 'node:sqlite';
import { nowSeconds } from '../ids.ts';
import { MIGRATION_TABLE, migrationsAfter } from '../schema/migrations.ts';

/** Brings a database to the newest schema. @throws Refused `store.newer` */
export function migrate(database: DatabaseSync): void {
  database.exec(MIGRATION_TABLE);
  const { version } = database.prepare('SELECT coalesce(max(version), 0) AS version FROM migration').get() as {
    version: number;
  };
  const record = database.prepare('INSERT INTO migration (version, name, applied) VALUES (?, ?, ?)');
  for (const migration of migrationsAfter(version)) {
    database.exec('BEGIN IMMEDIATE');
    try {
      for (const statement of migration.statements) database.exec(statement);
      record.run(migration.version, migration.name, nowSeconds());
      database.exec('COMMIT');
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  }
}
