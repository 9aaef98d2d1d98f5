/** One SQLite connection seen as {@link Writer}: statements prepared once, rows as arrays, answers at once. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Change, Writer } from './engine.ts';
import type { Sql, Value } from './sql.ts';

export class SqliteTransaction implements Writer {
  readonly #database: DatabaseSync;
  readonly #prepared: StatementSync[] = [];
  /** What the operation that runs now has changed; taken by {@link takeChanges}. */
  #changes: Change[] = [];

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  get<Row extends readonly Value[]>(statement: Sql<Row>, ...values: Value[]): Row | undefined {
    return this.#statement(statement).get(...values) as unknown as Row | undefined;
  }

  all<Row extends readonly Value[]>(statement: Sql<Row>, ...values: Value[]): Row[] {
    return this.#statement(statement).all(...values) as unknown as Row[];
  }

  run(statement: Sql, ...values: Value[]): number {
    return Number(this.#statement(statement).run(...values).changes);
  }

  changed(change: Change): void {
    this.#changes.push(change);
  }

  /** What was changed since the last call. */
  takeChanges(): Change[] {
    const changes = this.#changes;
    if (changes.length > 0) this.#changes = [];
    return changes;
  }

  #statement(statement: Sql): StatementSync {
    let prepared = this.#prepared[statement.index];
    if (prepared === undefined) {
      prepared = this.#database.prepare(statement.text);
      prepared.setReturnArrays(true);
      this.#prepared[statement.index] = prepared;
    }
    return prepared;
  }
}
