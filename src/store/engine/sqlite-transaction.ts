/** One SQLite connection seen as {@link Writer}: statements prepared once, rows as arrays, answers at once. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Change, Writer } from './engine.ts';
import type { Sql, Value } from './sql.ts';

/**
 * SQLite looks at the value of a parameter that stands alone after LIMIT, and so plans the statement anew whenever one is bound: ten times the cost of a
 * short one. What is worked out keeps the plan.
 */
const KEPT_PLAN = 'LIMIT (0 + ?)';

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
      prepared = this.#database.prepare(statement.text.replaceAll('LIMIT ?', KEPT_PLAN));
      prepared.setReturnArrays(true);
      this.#prepared[statement.index] = prepared;
    }
    return prepared;
  }
}
