/** What the audit keeps of a repair. */
import type { AuditEntry } from '../operations/audit.ts';
import type { Finding } from '../verify/finding.ts';

/** An entry tells the first of them; the log and the command's own output have all. */
const MOST_TOLD = 50;

export function repairEntry(actor: string, subject: string, mended: readonly Finding[]): AuditEntry {
  const told = mended
    .slice(0, MOST_TOLD)
    .map(({ mailbox, uid, text }) =>
      [mailbox, uid === undefined ? undefined : `UID ${uid}`, text].filter((part) => part !== undefined).join(', '),
    );
  return { actor, action: 'verify.repair', subject, detail: { mended: mended.length, told } };
}
