/** What people do with mail of theirs that waits to leave: it is in the trace, and in the audit. */
import { OwnMail } from '../outbound/own-mail.ts';
import type { Sending } from '../outbound/types.ts';
import { nowSeconds } from '../store/ids.ts';
import { recordAudit } from '../store/operations/audit.ts';
import type { MailStore } from '../store/store.ts';
import { recordQueueChange } from '../trace/attempts.ts';

/** @param sending  null: no mail leaves */
export function openOwnMail(store: MailStore, sending: Pick<Sending, 'triedOf' | 'setAside'> | null): OwnMail {
  return new OwnMail({
    queue: store.queue,
    store,
    sending,
    async record(tx, { message: { id, trace }, recipients }, { change, person: { actor, name }, isFirst }) {
      const changed = recipients.map(({ address }) => ({ id, trace, address }));
      await recordQueueChange(tx, changed, { kind: change }, actor);
      if (!isFirst) return;
      const entry = { actor, action: `queue.${change}`, subject: 'queue', also: [name], detail: { ids: [id] } };
      await recordAudit(tx, entry, nowSeconds());
    },
  });
}
