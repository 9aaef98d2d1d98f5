/**
 * Where a removed message was, kept with it so that it can come back there: under the same name, or below a folder that has another name by
 * now, or in a folder that has to be made anew.
 */
import type { Reader, Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { AccountId, MailboxId } from '../ids.ts';
import type { Mailbox, Role } from '../types.ts';
import { claim } from './account-row.ts';
import { createMailbox, listMailboxes, reviveMailbox, setSubscribed, TOP } from './mailboxes.ts';

export interface Place {
  /** The folder's whole name. */
  readonly path: string;
  /** Its id, after those of the folders above it, as far as they are known: `7/8/9`. */
  readonly ids: string;
  readonly role: Role | null;
}

const SET_ROLE = sql('UPDATE mailbox SET role = ?, modseq = ? WHERE account_id = ? AND mailbox_id = ?');

/** The place of a mailbox, or undefined when there is no such mailbox. */
export function placeOf(mailboxes: readonly Mailbox[], id: MailboxId): Place | undefined {
  const byId = new Map(mailboxes.map((mailbox) => [mailbox.id, mailbox]));
  const mailbox = byId.get(id);
  if (mailbox === undefined) return undefined;
  const ids: MailboxId[] = [];
  for (let at: Mailbox | undefined = mailbox; at !== undefined; at = byId.get(at.parent)) ids.unshift(at.id);
  return { path: mailbox.path, ids: ids.join('/'), role: mailbox.role };
}

/** What the place is called now: below the nearest folder that is still there, whatever name that has. */
export function pathNow(mailboxes: readonly Mailbox[], place: Pick<Place, 'path' | 'ids'>): string {
  const ids = place.ids.split('/').map(Number);
  const names = place.path.split('/');
  for (let depth = ids.length; depth > 0; depth--) {
    const found = mailboxes.find((mailbox) => mailbox.id === ids[depth - 1]);
    if (found !== undefined) return [found.path, ...names.slice(names.length - ids.length + depth)].join('/');
  }
  return place.path;
}

/**
 * The mailbox of a place. A missing one is made, and subscribed to, so that it shows in every mail program; it gets back its special use
 * where no other folder has it.
 * @throws Refused `limit.reached`, `mailbox.forbidden`
 */
export async function mailboxAt(tx: Writer, account: AccountId, place: Place): Promise<Mailbox> {
  const mailboxes = await listMailboxes(tx, account);
  const path = pathNow(mailboxes, place);
  const found = mailboxes.find((mailbox) => mailbox.path === path);
  const roleIsFree = mailboxes.every((mailbox) => mailbox.role !== place.role);
  const role = roleIsFree ? place.role : null;
  if (found?.selectable !== true) await bringBack(tx, account, { path, ids: place.ids, role });
  else if (role !== null && found.role === null) await giveRole(tx, found, role);
  else return found;
  return (await listMailboxes(tx, account)).find((mailbox) => mailbox.path === path)!;
}

/** Brings back a mailbox and what is missing above it, as themselves where that can be, and shows them to every mail program. */
async function bringBack(tx: Writer, account: AccountId, { path, ids, role }: Place): Promise<void> {
  const names = path.split('/');
  const known = ids.split('/').map(Number);
  let parent = TOP;
  for (let depth = 1; depth <= names.length; depth++) {
    const name = names[depth - 1]!;
    const above = names.slice(0, depth).join('/');
    const isLast = depth === names.length;
    let mailbox = (await listMailboxes(tx, account)).find((each) => each.path === above);
    if (mailbox === undefined || (isLast && !mailbox.selectable)) {
      const id = known[known.length - 1 - (names.length - depth)] as MailboxId | undefined;
      const given = { account, parent, name, role: isLast ? role : null };
      if (id === undefined || !(await reviveMailbox(tx, { ...given, id }))) {
        await createMailbox(tx, account, above, given.role);
      }
      await setSubscribed(tx, account, above, true);
      mailbox = (await listMailboxes(tx, account)).find((each) => each.path === above)!;
    }
    parent = mailbox.id;
  }
}

/** For a folder that was made as the parent of another one before its own messages came back. */
async function giveRole(tx: Writer, { account, id }: Mailbox, role: Role): Promise<void> {
  const { modseq } = await claim(tx, account, { ids: 0, bytes: 0, messages: 0 });
  await tx.run(SET_ROLE, role, modseq, account, id);
  tx.changed({ account, mailbox: id, modseq, mailboxes: true });
}

/** The place with a name, as a person gives it. */
export async function placeNamed(tx: Reader, account: AccountId, path: string): Promise<Place> {
  const name = path.normalize('NFC').replace(/^inbox(?=\/|$)/i, 'INBOX');
  const mailboxes = await listMailboxes(tx, account);
  const found = mailboxes.find((mailbox) => mailbox.path === name);
  return (found && placeOf(mailboxes, found.id)) ?? { path: name, ids: '', role: null };
}
