/** Reading the audit; store/operations/audit.ts writes it. */
import { PAGE_ROWS, type Reader } from '../store/engine/engine.ts';
import { sql } from '../store/engine/sql.ts';
import type { EpochSeconds } from '../store/ids.ts';
import type { AuditEntry } from '../store/operations/audit.ts';

export { type AuditEntry, recordAudit } from '../store/operations/audit.ts';

export interface AuditRecord extends Omit<AuditEntry, 'also'> {
  readonly id: number;
  readonly at: EpochSeconds;
}

type AuditRow = readonly [id: number, at: number, actor: string, action: string, subject: string, detail: string];

const PAGE = sql<AuditRow>(`
  SELECT audit_id, at, actor, action, subject, detail FROM audit WHERE audit_id < ? ORDER BY audit_id DESC LIMIT ?`);
const PAGE_ABOUT = sql<AuditRow>(`
  SELECT a.audit_id, a.at, a.actor, a.action, a.subject, a.detail FROM audit_about b JOIN audit a ON a.audit_id = b.audit_id
  WHERE b.subject = ? AND b.audit_id < ? ORDER BY b.audit_id DESC LIMIT ?`);

/** A page of the audit, newest first, before the entry `before`; the last page is shorter than PAGE_ROWS. @param about  a subject; all if absent */
export async function auditBefore(tx: Reader, before: number, about?: string): Promise<AuditRecord[]> {
  const rows =
    about === undefined ? await tx.all(PAGE, before, PAGE_ROWS) : await tx.all(PAGE_ABOUT, about, before, PAGE_ROWS);
  return rows.map(([id, at, actor, action, subject, detail]) => ({
    id,
    at,
    actor,
    action,
    subject,
    detail: JSON.parse(detail) as AuditEntry['detail'],
  }));
}
