/** What the directory keeps of the office as a whole. */
import type { Reader, Writer } from '../store/engine/engine.ts';
import { sql } from '../store/engine/sql.ts';

const GET = sql<readonly [value: string]>('SELECT value FROM meta WHERE name = ?');
const SET = sql('INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value');

const SECRET = 'auth.secret';
const TRIAL = 'trial';

/** The office's secret (hex), which is `fresh` the first time. */
export async function keptSecret(tx: Writer, fresh: string): Promise<string> {
  const kept = (await tx.get(GET, SECRET))?.[0];
  if (kept === undefined) await tx.run(SET, SECRET, fresh);
  return kept ?? fresh;
}

export async function isTrial(tx: Reader): Promise<boolean> {
  return (await tx.get(GET, TRIAL))?.[0] === '1';
}

export async function startTrial(tx: Writer): Promise<void> {
  await tx.run(SET, TRIAL, '1');
}
