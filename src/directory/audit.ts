/**
 * The audit: who changed what, when. An entry is written in the transaction of the change it tells of, so that neither is there without the
 * other. Never a secret in it.
 */
import { PAGE_ROWS, type Reader, type Writer } from '../store/engine/engine.ts';
import { sql } from '../store/engine/sql.ts';
import type { EpochSeconds } from '../store/ids.ts';
import { nextNumber } from '../store/operations/accounts.ts';

export interface AuditEntry {
  /** Who did it: `root on the command line`. */
  readonly actor: string;
  /** What was done, as the command says it: `account.add`. */
  readonly action: string;
  /** To whom or what: an address, a domain, a group. */
  readonly subject: string;
  /** The new values, and the old ones where they matter. */
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface AuditRecord extends AuditEntry {
  readonly id: number;
  readonly at: EpochSeconds;
}

export interface AuditFilter {
  readonly subject?: string;
  readonly since?: EpochSeconds;
}

const INSERT = sql('INSERT INTO audit (audit_id, at, actor, action, subject, detail) VALUES (?, ?, ?, ?, ?, ?)');
const PAGE = sql<readonly [id: number, at: number, actor: string, action: string, subject: string, detail: string]>(`
  SELECT audit_id, at, actor, action, subject, detail FROM audit
  WHERE audit_id > ? AND at >= ? AND (CAST(? AS TEXT) = '' OR subject = ?) ORDER BY audit_id LIMIT ?`);

export async function recordAudit(tx: Writer, entry: AuditEntry, now: EpochSeconds): Promise<void> {
  const id = await nextNumber(tx, 'audit');
  await tx.run(INSERT, id, now, entry.actor, entry.action, entry.subject, JSON.stringify(entry.detail));
}

/** A page of the audit, oldest first, after the entry `after`; the last page is shorter than PAGE_ROWS. */
export async function auditAfter(tx: Reader, after: number, filter: AuditFilter): Promise<AuditRecord[]> {
  const { subject = '', since = 0 } = filter;
  const rows = await tx.all(PAGE, after, since, subject, subject, PAGE_ROWS);
  return rows.map(([id, at, actor, action, subject, detail]) => ({
    id,
    at,
    actor,
    action,
    subject,
    detail: JSON.parse(detail) as AuditEntry['detail'],
  }));
}
