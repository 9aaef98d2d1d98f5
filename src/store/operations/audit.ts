/**
 * The audit: who changed what, when. An entry is written in the transaction of the change it tells of, so that neither is there without the
 * other. Never a secret in it.
 */
import type { Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { EpochSeconds } from '../ids.ts';
import { nextNumber } from './accounts.ts';

export interface AuditEntry {
  /** Who did it: `root on the command line`. */
  readonly actor: string;
  /** What was done, as the command says it: `account.add`. */
  readonly action: string;
  /** To whom or what: an address, a domain, a group. */
  readonly subject: string;
  /** Whom or what else it concerns: it is found by these, too. */
  readonly also?: readonly string[];
  /** The new values, and the old ones where they matter. */
  readonly detail: Readonly<Record<string, unknown>>;
}

const INSERT = sql('INSERT INTO audit (audit_id, at, actor, action, subject, detail) VALUES (?, ?, ?, ?, ?, ?)');
const INSERT_ABOUT = sql('INSERT INTO audit_about (subject, audit_id) VALUES (?, ?)');
const OLDEST = sql<readonly [id: number]>('SELECT audit_id FROM audit WHERE at < ? ORDER BY at LIMIT ?');
const DELETE = sql('DELETE FROM audit WHERE audit_id = ?');
const DELETE_ABOUT = sql('DELETE FROM audit_about WHERE audit_id = ?');

export async function recordAudit(tx: Writer, entry: AuditEntry, now: EpochSeconds): Promise<void> {
  const id = await nextNumber(tx, 'audit');
  await tx.run(INSERT, id, now, entry.actor, entry.action, entry.subject, JSON.stringify(entry.detail));
  for (const subject of new Set([entry.subject, ...(entry.also ?? [])])) await tx.run(INSERT_ABOUT, subject, id);
}

/** Deletes up to `rows` entries older than `before`. @returns how many */
export async function pruneAudit(tx: Writer, before: EpochSeconds, rows: number): Promise<number> {
  const old = await tx.all(OLDEST, before, rows);
  for (const [id] of old) {
    await tx.run(DELETE_ABOUT, id);
    await tx.run(DELETE, id);
  }
  return old.length;
}
