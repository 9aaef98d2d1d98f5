/** CONDSTORE enabling commands (RFC 7162 3.1). */
import type { ImapSession } from './session.ts';

/**
 * From here on changes of flags are told with their MODSEQ. The first such command says how far the selected mailbox is, so
 * that the client can begin to keep account of it (RFC 7162 3.1.2.1).
 */
export function enableCondstore(session: ImapSession): void {
  if (session.condstore) return;
  session.condstore = true;
  if (session.selected !== null) session.write(`* OK [HIGHESTMODSEQ ${session.selected.view.modseq}] Highest\r\n`);
}
