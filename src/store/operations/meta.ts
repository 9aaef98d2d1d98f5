/** Settings and marks of the installation, by name. */
import type { Reader, Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';

const GET = sql<readonly [value: string]>('SELECT value FROM meta WHERE name = ?');
const DELETE = sql('DELETE FROM meta WHERE name = ?');
const SET = sql('INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value');

/**
 * - `state`: `open` while a process uses the store, `closed` after a clean end
 * - `run`: which use of the data directory that was: see repair/torn-log.ts
 * - `synced`: `segment:offset` before which all bodies were on disk at the last checkpoint
 * - `trial`: `1` in a trial office
 * - `auth.secret`: random, for what must look the same at every start (fake salts)
 * - `quota.recompute`: accounts above this id may not have the quota that follows from the rules; absent: all have (directory/quotas.ts)
 * - `store.id`: random, of this line of changes: a restored store gets a new one, so that its segments are never taken for those of before
 * - `outside.place`: the other directory that people live in, as texts call it; absent: nobody does (directory/outside/)
 * - `trace.found`: the last message of the trace that is found by its keys (operations/trace-find.ts)
 * - `backup.last`, `backup.tested`: what became of the last backup and the last test restore, as JSON
 */
export type MetaName =
  | 'state'
  | 'run'
  | 'synced'
  | 'trial'
  | 'auth.secret'
  | 'quota.recompute'
  | 'created'
  | 'store.id'
  | 'outside.place'
  | 'trace.found'
  | 'backup.last'
  | 'backup.tested';

export async function getMeta(tx: Reader, name: MetaName): Promise<string | undefined> {
  return (await tx.get(GET, name))?.[0];
}

export async function setMeta(tx: Writer, name: MetaName, value: string): Promise<void> {
  await tx.run(SET, name, value);
}

export async function deleteMeta(tx: Writer, name: MetaName): Promise<void> {
  await tx.run(DELETE, name);
}
