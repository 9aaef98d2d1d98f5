/**
 * Copies that wait in the queue for room in a full mailbox, while others behind the same address have theirs.
 *
 * Invariants
 * - Each is for one account alone and by its own address, whatever leads there: who has the message by other ways does not get it again.
 * - Nobody hears of it who did not send the message: not whom SPF disowns, and nobody of what was taken for junk.
 * - What waits for an account is bounded: a copy beyond that has no time left, so its sender is told as soon as the queue is looked through.
 */
import { canonicalName } from '../directory/address.ts';
import type { Account } from '../directory/types.ts';
import { Refused } from '../errors.ts';
import type { AccountId, EpochSeconds } from '../store/ids.ts';
import type { Outbound } from '../store/types.ts';
import { noticesOf } from './forwarding.ts';
import type { InDelivery } from './in-delivery.ts';
import { priorityOf } from './priority.ts';
import { replyToRefusal } from './replies.ts';
import { HERE, type Outgoing } from './types.ts';

/** Of an account, in the queue: a holiday's mail, and not all that a stranger can send to a group. */
export const MOST_WAITING = 64 << 20;
/** Before this nobody has made room. */
const FIRST_TRY: EpochSeconds = 300;

/**
 * What would wait for whom.
 * @param beyond  for whom too much waits already
 */
export function waitingCopies(
  { envelope, recipients, findings, suspicious, disowned, borrowed }: InDelivery,
  outgoing: Outgoing,
  beyond: ReadonlySet<AccountId>,
  now: EpochSeconds,
): ReadonlyMap<AccountId, Outbound> {
  const copies = new Map<AccountId, Outbound>();
  const { sender, signedIn } = envelope;
  const forRoom = { ...(signedIn !== undefined && { by: signedIn.id }), ...(suspicious && { junk: true as const }) };
  const options = { ...envelope.options, ...(signedIn !== undefined && { ours: true as const }), forRoom };
  const priority = priorityOf(envelope, 1);
  const due = now + FIRST_TRY;
  for (const [at, { address: from, accounts, lines = '', several, failure }] of recipients.entries()) {
    if (failure !== null || several !== true) continue;
    const asked = suspicious || disowned || borrowed ? UNTOLD : noticesOf(envelope.recipients[at]!, true);
    // By the first line the report names this address, and not who is behind it.
    const prefix = Buffer.from(`Delivered-To: ${from}\r\n${lines}${findings}`);
    for (const { id: account, name, quotaBytes } of accounts) {
      if (quotaBytes === null || copies.has(account)) continue;
      const recipient = { address: name, destination: HERE, reply: replyOf(name), ...asked };
      const times = { ...outgoing.times(now), ...(beyond.has(account) && { warn: 0, expires: now }) };
      copies.set(account, { account, sender, recipients: [recipient], from, prefix, priority, options, due, ...times });
    }
  }
  return copies;
}

const UNTOLD = { notify: ['never'] } as const;

function replyOf(name: string): string {
  const { code, message } = mailboxFull({ name }, name);
  return [...replyToRefusal(code), message].join(' ');
}

/** For the sender, who hears nothing of whom an address stands for, nor how much they may keep. */
export function mailboxFull({ name }: Pick<Account, 'name'>, address: string): Refused {
  const whose = canonicalName(address) === name ? `of ${address}` : `behind ${address}`;
  return new Refused('quota.exceeded', `The mailbox ${whose} is full; please try again later.`);
}
