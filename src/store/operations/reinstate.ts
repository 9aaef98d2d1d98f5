/**
 * Putting messages in again that a backup has and the account lost: with the item id (POP3's UIDL) and email id (EMAILID) that they had, so that
 * clients know them. That is safe because ids are never given twice (raise-ids.ts): where an id of the account is free, it can only mean
 * the message that once had it.
 *
 * Invariants
 * - Nothing that is there is changed. A message is there when its item id is in the account, or its email id in the mailbox.
 * - An id from next_id on was never given by this account: a message that comes with one gets new ids, as does a stranger.
 */
import { Refused } from '../../errors.ts';
import type { Reader, Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { AccountId, EmailId, EpochSeconds, ItemId, MailboxId, Uid } from '../ids.ts';
import type { TraceBy } from '../trace-types.ts';
import { claim, overQuota } from './account-row.ts';
import { emailKey } from './email-key.ts';
import { insertEmail, type PreparedMessage } from './file-message.ts';
import { CountDelta, changeMailbox } from './mailbox-row.ts';
import { insertMessage, splitKeywords } from './message-row.ts';
import { quotaRefusal } from './retained.ts';
import { recordChange } from './trace.ts';

const NEXT_ID = sql<readonly [nextId: number]>('SELECT next_id FROM account WHERE account_id = ?');
const EMAIL = sql<readonly [email: number]>('SELECT email_id FROM email WHERE email_key = ?');
const IN_MAILBOXES = sql<readonly [mailbox: number, item: number]>(
  'SELECT mailbox_id, item_id FROM message WHERE account_id = ? AND email_id = ?',
);
const IN_RETAINED = sql<readonly [email: number]>('SELECT email_id FROM retained WHERE account_id = ? AND item_id = ?');

/** How a message of a backup stands in the account now. */
export type Standing =
  /** It is there: in this mailbox, or moved to another. */
  | 'there'
  /** It was removed, and can be brought back from what is retained. */
  | 'retained'
  /** It is gone, but its content is there for a copy. */
  | 'content'
  | 'gone';

/**
 * The ids that a message had. Null: it gets a new one, as a copy that is put beside what is there (its item id), or one from another account
 * (both).
 */
export interface FormerIds {
  readonly item: ItemId | null;
  readonly email: EmailId | null;
}

/** How a message of a backup stands in its account. `mailbox` is where it would be put; null when there is no such mailbox. */
export async function standingOf(
  tx: Reader,
  account: AccountId,
  mailbox: MailboxId | null,
  { item, email }: FormerIds,
): Promise<Standing> {
  if (email === null) return 'gone';
  for (const [place, itemThere] of await tx.all(IN_MAILBOXES, account, email)) {
    if (itemThere === item || place === mailbox) return 'there';
  }
  if (item !== null && (await tx.get(IN_RETAINED, account, item)) !== undefined) return 'retained';
  return (await tx.get(EMAIL, emailKey(account, email))) === undefined ? 'gone' : 'content';
}

export interface ReinstateArgs {
  readonly account: AccountId;
  readonly mailbox: MailboxId;
  readonly messages: readonly Reinstated[];
  /** Although it fills the account beyond its quota. */
  readonly overQuota?: boolean | undefined;
  /** Who does it; undefined: not to be noted. */
  readonly by?: TraceBy | undefined;
}

/** One message to put in. */
export interface Reinstated extends FormerIds {
  /** Taken in again; null when the account has the email. */
  readonly content: { readonly message: PreparedMessage; readonly prefix: Buffer } | null;
  readonly flags: number;
  /** As `message.keywords` has them. */
  readonly keywords: string | null;
  readonly size: number;
  readonly received: EpochSeconds;
  readonly saved: EpochSeconds;
  /** The unique id another server gave it. */
  readonly uidl: string | null;
}

/** Where a message is now, and what it is known by. */
export interface ReinstatedAs {
  readonly uid: Uid;
  readonly item: ItemId;
  readonly email: EmailId;
}

/**
 * Puts messages into a mailbox, all of them or none; each gets a new UID. @returns what became of each: null for one that was there already
 * @throws Refused `mailbox.missing`, `quota.exceeded`, `message.gone`
 */
export async function reinstate(
  tx: Writer,
  { account, mailbox, messages, overQuota: mayExceed = false, by }: ReinstateArgs,
): Promise<(ReinstatedAs | null)[]> {
  const [endOfIds] = (await tx.get(NEXT_ID, account)) ?? [0];
  const wanted: (Reinstated | null)[] = [];
  const items = new Set<ItemId>();
  const delta = new CountDelta();
  let newIds = 0;
  for (const message of messages.map((each) => asKnown(each, endOfIds))) {
    const standing = await standingOf(tx, account, mailbox, message);
    const isTwice = message.item !== null && items.size === items.add(message.item).size;
    const isWanted = !isTwice && (standing === 'gone' || standing === 'content');
    wanted.push(isWanted ? message : null);
    if (!isWanted) continue;
    delta.add(message.flags, message.size);
    newIds += Number(message.item === null) + Number(message.email === null);
  }
  if (delta.total === 0) return messages.map(() => null);
  const claimed = await claim(tx, account, { ids: newIds, bytes: delta.bytes, messages: delta.total });
  if (overQuota(claimed) && !mayExceed) throw quotaRefusal(claimed, delta.bytes);
  const changed = await changeMailbox(tx, account, mailbox, claimed.modseq, delta, delta.total);
  if (changed === undefined) throw new Refused('mailbox.missing', 'The folder does not exist.');
  let nextUid = changed.firstUid as number;
  let nextId = claimed.firstId;
  const outcomes: (ReinstatedAs | null)[] = [];
  for (const message of wanted) {
    if (message === null) {
      outcomes.push(null);
      continue;
    }
    const { content, flags, keywords, size, received, saved, uidl } = message;
    const email = message.email ?? (nextId++ as EmailId);
    const item = message.item ?? (nextId++ as ItemId);
    const uid = nextUid++ as Uid;
    if ((await tx.get(EMAIL, emailKey(account, email))) === undefined) {
      if (content === null) throw new Refused('message.gone', 'The content of a message was purged meanwhile.');
      await insertEmail(tx, account, content.message, content.prefix, email, received);
    }
    const filed = { flags: { bits: flags, keywords: splitKeywords(keywords) }, size, received, saved, uidl };
    await insertMessage(tx, account, mailbox, { ...filed, uid, item, email, modseq: claimed.modseq });
    outcomes.push({ uid, item, email });
  }
  const emails = outcomes.flatMap((outcome) => outcome?.email ?? []);
  await recordChange(tx, account, by, 'restored', emails, { to: mailbox });
  tx.changed({ account, mailbox, modseq: claimed.modseq });
  return outcomes;
}

/** Ids from next_id on were never given by this account: what comes with one is a stranger. */
function asKnown(message: Reinstated, nextId: number): Reinstated {
  const { item, email } = message;
  return {
    ...message,
    item: item !== null && item < nextId ? item : null,
    email: email !== null && email < nextId ? email : null,
  };
}
