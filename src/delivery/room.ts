/**
 * Who has room for a message, and what becomes of it where one of several has none.
 *
 * Invariant: a full mailbox holds up nobody else. Where an address stands for several, those who have room get the message, and the copies of the others
 * wait in the queue (waiting.ts). Only where nobody has room, or the address is one person's alone, the sender is asked to try again.
 */
import type { Account } from '../directory/types.ts';
import { Pace } from '../pace.ts';
import type { Store } from '../store/api.ts';
import { type AccountId, nowSeconds } from '../store/ids.ts';
import type { Queue } from '../store/queue.ts';
import { hasOneReply } from './filing.ts';
import type { InDelivery, Recipient } from './in-delivery.ts';
import { failureOf } from './replies.ts';
import type { Outgoing } from './types.ts';
import { MOST_WAITING, mailboxFull, waitingCopies } from './waiting.ts';

export type RoomStore = Pick<Store, 'usage'> & { readonly queue: Pick<Queue, 'bytesForRoom'> };

/** Whom a recipient stands for. */
type Places = Pick<Recipient, 'address' | 'accounts' | 'leaves' | 'evenIfFull' | 'several'>;

/** Beyond a quota, for mail to postmaster and abuse: a full mailbox is often what they are to hear of. Bounded, since anybody may write to them. */
const ROLES_ROOM = 64 << 20;

export class Room {
  readonly #store: RoomStore;
  readonly #outgoing: Outgoing | undefined;

  /** @param outgoing  what tries again what waits */
  constructor(store: RoomStore, outgoing: Outgoing | undefined) {
    this.#store = store;
    this.#outgoing = outgoing;
  }

  /**
   * Can it be taken, by what is known before it comes?
   * @param withRoom  who has it, of the recipients of the message so far: a thousand of them may stand for the same thousand people
   * @throws Refused `quota.exceeded`
   */
  async require(places: Places, bytes: number, withRoom: Set<AccountId>): Promise<void> {
    const { accounts, leaves, several } = places;
    if (several && leaves.length > 0) return;
    let full: Account | undefined;
    for (const account of accounts) {
      const hasRoom = await this.#has(account, places, bytes, withRoom);
      if (hasRoom && several) return;
      if (!hasRoom) full ??= account;
      if (full !== undefined && !several) break;
    }
    if (full !== undefined) throw mailboxFull(full, places.address);
  }

  /**
   * The step of the pipeline: those whose one reply depends on several mailboxes are checked before anything is filed; the store checks every
   * mailbox. Fails recipients, and works out what waits for whom should there be no room.
   */
  async check(delivery: InDelivery): Promise<void> {
    const { envelope, message, recipients } = delivery;
    // Who leaves the queue with others does it in one transaction, as who has one reply with them.
    const oneForAll = (hasOneReply(envelope) || envelope.arrives !== undefined) && recipients.length > 1;
    const withRoom = new Set<AccountId>();
    const waiting = new Set<AccountId>();
    const overfull = new Set<AccountId>();
    const lacking: (readonly [recipient: Recipient, full: readonly Account[]])[] = [];
    for (const recipient of recipients) {
      const { accounts, leaves, several, evenIfFull, failure } = recipient;
      const places = accounts.length + leaves.length;
      const storeChecks = !(oneForAll || places > 1 || evenIfFull);
      if (failure !== null || storeChecks) continue;
      const full: Account[] = [];
      for (const account of accounts) {
        if (!(await this.#has(account, recipient, message.body.length, withRoom))) full.push(account);
      }
      if (!several || full.length === places) lacking.push([recipient, full]);
      else {
        for (const { id } of full) waiting.add(id);
        if (evenIfFull) for (const { id } of full) overfull.add(id);
      }
    }
    for (const [recipient, full] of lacking) {
      // Whose copy waits by one address has it by the others.
      const refused = full.find(({ id }) => !waiting.has(id));
      if (refused !== undefined) recipient.failure = failureOf(mailboxFull(refused, recipient.address));
    }
    delivery.overfull = overfull;
    if (this.#outgoing !== undefined) {
      const beyond = await this.#beyond(waiting, message.body.length);
      delivery.waits = waitingCopies(delivery, this.#outgoing, beyond, nowSeconds());
    }
  }

  /** For whom too much waits already. */
  async #beyond(waiting: ReadonlySet<AccountId>, bytes: number): Promise<Set<AccountId>> {
    const beyond = new Set<AccountId>();
    const pace = new Pace();
    for (const account of waiting) {
      await pace.pause();
      if ((await this.#store.queue.bytesForRoom(account)) + bytes > MOST_WAITING) beyond.add(account);
    }
    return beyond;
  }

  async #has(
    { id, quotaBytes: quota }: Account,
    { evenIfFull }: Places,
    bytes: number,
    withRoom: Set<AccountId>,
  ): Promise<boolean> {
    if (quota === null || withRoom.has(id)) return true;
    const { usedBytes, quotaBytes } = await this.#store.usage(id);
    const beyond = evenIfFull === true ? ROLES_ROOM : 0;
    const room = quotaBytes === null ? Number.POSITIVE_INFINITY : quotaBytes + beyond;
    const hasRoom = usedBytes < room && usedBytes + bytes <= room;
    if (hasRoom && evenIfFull !== true) withRoom.add(id);
    return hasRoom;
  }
}
