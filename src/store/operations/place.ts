/**
 * Where a removed message was, kept with it so that it can come back there: under the same name, or below a folder that has another name by
 * now, or in a folder that has to be made anew.
 */
import { Refused } from '../../errors.ts';
import type { Reader, Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { AccountId, MailboxId } from '../ids.ts';
import type { Mailbox, Role } from '../types.ts';
import { claim } from './account-row.ts';
import { createMailbox, listMailboxes, reviveMailbox, subscribe, TOP } from './mailboxes.ts';

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

/** The place of a mailbox. @throws Refused `mailbox.missing` */
export function requirePlace(mailboxes: readonly Mailbox[], id: MailboxId): Place {
  const place = placeOf(mailboxes, id);
  if (place === undefined) throw new Refused('mailbox.missing', 'The folder does not exist.');
  return place;
}

/** What the place is called now: below the nearest folder that is still there, whatever name that has. */
export function pathNow(mailboxes: readonly Mailbox[], place: Pick<Place, 'path' | 'ids'>): string {
  return currentPath((id) => mailboxes.find((mailbox) => mailbox.id === id), place);
}

function currentPath(mailboxOf: (id: MailboxId) => Mailbox | undefined, place: Pick<Place, 'path' | 'ids'>): string {
  const ids = idsOf(place);
  const names = place.path.split('/');
  for (let depth = ids.length; depth > 0; depth--) {
    const found = mailboxOf(ids[depth - 1]!);
    if (found !== undefined) return [found.path, ...names.slice(names.length - ids.length + depth)].join('/');
  }
  return place.path;
}

function idsOf({ ids }: Pick<Place, 'ids'>): MailboxId[] {
  return ids === '' ? [] : ids.split('/').map((id) => Number(id) as MailboxId);
}

/** The mailbox of a place; see {@link Places.at}. */
export function mailboxAt(tx: Writer, account: AccountId, place: Place): Promise<Mailbox> {
  return new Places(tx, account).at(place);
}

/** Finds the mailboxes of places, and makes those that are missing, within one transaction. */
export class Places {
  /** Mailboxes made so far. */
  made = 0;
  readonly #tx: Writer;
  readonly #account: AccountId;
  /** As they are; undefined when that has changed. */
  #known: Hierarchy | undefined;

  constructor(tx: Writer, account: AccountId) {
    this.#tx = tx;
    this.#account = account;
  }

  /**
   * The mailbox of a place. A missing one is made, and subscribed to, so that it shows in every mail program; it gets back its special use where
   * no other folder has it.
   * @throws Refused `limit.reached`, `mailbox.forbidden`
   */
  async at(place: Place): Promise<Mailbox> {
    const { byId, byPath } = await this.#mailboxes();
    const path = currentPath((id) => byId.get(id), place);
    const found = byPath.get(path);
    const roleIsFree = [...byId.values()].every((mailbox) => mailbox.role !== place.role);
    const role = roleIsFree ? place.role : null;
    if (found?.selectable !== true) await this.#bringBack({ path, ids: place.ids, role });
    else if (role !== null && found.role === null) await giveRole(this.#tx, found, role);
    else return found;
    this.#known = undefined;
    return (await this.#mailboxes()).byPath.get(path)!;
  }

  /** Brings back a mailbox and what is missing above it, as themselves where that can be. */
  async #bringBack(place: Place): Promise<void> {
    const { byPath } = await this.#mailboxes();
    const names = place.path.split('/');
    const ids = idsOf(place);
    let parent = TOP;
    for (const [index, name] of names.entries()) {
      const path = names.slice(0, index + 1).join('/');
      const isLast = index === names.length - 1;
      const present = byPath.get(path);
      if (present === undefined || (isLast && !present.selectable)) {
        const role = isLast ? place.role : null;
        parent = await this.#make({ id: ids[ids.length - names.length + index], parent, name, path, role });
        this.made++;
      } else parent = present.id;
    }
  }

  async #make({ id, parent, name, path, role }: MissingMailbox): Promise<MailboxId> {
    const [tx, account] = [this.#tx, this.#account];
    const isBack = id !== undefined && (await reviveMailbox(tx, { account, id, parent, name, role }));
    const mailbox = isBack ? id : await createMailbox(tx, account, path, role);
    await subscribe(tx, account, mailbox);
    return mailbox;
  }

  async #mailboxes(): Promise<Hierarchy> {
    if (this.#known === undefined) {
      const mailboxes = await listMailboxes(this.#tx, this.#account);
      this.#known = {
        byId: new Map(mailboxes.map((mailbox) => [mailbox.id, mailbox])),
        byPath: new Map(mailboxes.map((mailbox) => [mailbox.path, mailbox])),
      };
    }
    return this.#known;
  }
}

interface Hierarchy {
  readonly byId: ReadonlyMap<MailboxId, Mailbox>;
  readonly byPath: ReadonlyMap<string, Mailbox>;
}

interface MissingMailbox {
  /** The one it had. */
  readonly id: MailboxId | undefined;
  readonly parent: MailboxId;
  readonly name: string;
  readonly path: string;
  readonly role: Role | null;
}

/** For a folder that was made as the parent of another one before its own messages came back. */
async function giveRole(tx: Writer, { account, id }: Mailbox, role: Role): Promise<void> {
  const { modseq } = await claim(tx, account, { ids: 0, bytes: 0, messages: 0 });
  await tx.run(SET_ROLE, role, modseq, account, id);
  tx.changed({ account, mailbox: id, modseq, mailboxes: true });
}

/** The place with a name, as a person gives it. */
export async function placeNamed(tx: Reader, account: AccountId, path: string): Promise<Place> {
  const name = path
    .normalize('NFC')
    .replace(/\/$/, '')
    .replace(/^inbox(?=\/|$)/i, 'INBOX');
  const mailboxes = await listMailboxes(tx, account);
  const found = mailboxes.find((mailbox) => mailbox.path === name);
  return (found && placeOf(mailboxes, found.id)) ?? { path: name, ids: '', role: null };
}
