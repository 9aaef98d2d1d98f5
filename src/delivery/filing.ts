/** What a message's recipients mean to the store. Pure. */
import { addressesIn } from '../message/envelope-text.ts';
import type { AccountId, EpochSeconds, MailboxId } from '../store/ids.ts';
import type { DeliveryTarget, Outbound, SentTarget, StagedMessage } from '../store/types.ts';
import type { InDelivery, Leaving, Recipient } from './in-delivery.ts';
import { priorityOf } from './priority.ts';
import type { Envelope, Outgoing } from './types.ts';

/** One copy for each account, even when several recipients lead to it. @param junk  where those get it who have a place for what is suspicious */
export function targetsOf(
  { envelope: { sender }, recipients, findings, overfull, waits }: InDelivery,
  junk: ReadonlyMap<AccountId, MailboxId>,
): DeliveryTarget[] {
  const targets = new Map<AccountId, DeliveryTarget>();
  // By postmaster's address there is room where by others there is none.
  const inOrder = recipients.toSorted((a, b) => Number(b.evenIfFull === true) - Number(a.evenIfFull === true));
  for (const { address, accounts, mailbox, lines = '', evenIfFull, failure } of inOrder) {
    if (failure !== null) continue;
    for (const { id } of accounts) {
      if (targets.has(id)) continue;
      const folder = junk.get(id) ?? mailbox;
      targets.set(id, {
        account: id,
        prefix: tracePrefix(sender, address, lines + findings),
        ...(folder !== undefined && { mailbox: folder }),
        ...(evenIfFull && !overfull.has(id) && { evenIfFull }),
        ...(waits.has(id) && { waits: waits.get(id)! }),
      });
    }
  }
  return [...targets.values()];
}

/** What leaves: each address once for whom it leaves, by which way, and with what reverse path. */
export function outboundOf(
  { envelope, recipients, findings }: InDelivery,
  outgoing: Outgoing,
  now: EpochSeconds,
): Outbound[] {
  const groups = new Map<string, { readonly prefix: string; readonly to: Map<string, Leaving> }>();
  const seen = new Set<string>(); // by several ways to one address: one copy
  for (const { leaves, failure } of recipients) {
    if (failure === null) for (const { address, via } of leaves) if (via === undefined) seen.add(address);
  }
  for (const { leaves, lines = '', failure } of recipients) {
    if (failure !== null) continue;
    for (const leaving of leaves) {
      const { account, sender, address, via } = leaving;
      if (via !== undefined && seen.has(address)) continue;
      seen.add(address);
      const prefix = `${via === undefined ? '' : `Delivered-To: ${via.address}\r\n`}${lines}${findings}`;
      const key = `${account} ${sender} ${prefix}`;
      const group = groups.get(key) ?? { prefix, to: new Map<string, Leaving>() };
      groups.set(key, group);
      if (!group.to.has(address)) group.to.set(address, leaving);
    }
  }
  const { holdUntil, signedIn } = envelope;
  const options = signedIn === undefined ? envelope.options : { ...envelope.options, ours: true as const };
  const { warn, expires } = outgoing.times(Math.max(now, holdUntil ?? now) as EpochSeconds);
  const common = {
    ...(options && { options }),
    priority: priorityOf(envelope, seen.size),
    ...(holdUntil !== undefined && { due: holdUntil }),
    warn,
    expires,
  };
  return [...groups.values()].map(({ prefix, to }) => {
    const leaving = [...to.values()];
    const [{ account, sender, via }] = leaving as [Leaving]; // all have the same `via`: the prefix names its address
    const recipients = leaving.map(({ account: _account, sender: _sender, via: _via, ...recipient }) => recipient);
    const way = via && { from: via.address, ...(via.keeper === null && { shared: true as const }) };
    const marked = via?.keeper?.forwards === 'copies' && { options: { ...options, copyStays: true as const } };
    return {
      account,
      sender,
      recipients,
      ...way,
      ...(prefix !== '' && { prefix: Buffer.from(prefix) }),
      ...common,
      ...marked,
    };
  });
}

/** What a person sends is in their Sent mailbox, whatever the client does: so POP3 people have it too. */
export function sentBy(envelope: Envelope, message: StagedMessage): SentTarget | undefined {
  const { signedIn, fileSent = false } = envelope;
  if (signedIn === undefined || !fileSent) return undefined;
  return { account: signedIn.id, bcc: hiddenRecipients(envelope, message) };
}

/** Recipients that the header doesn't name. */
function hiddenRecipients({ recipients }: Envelope, { analysis: { envelope } }: StagedMessage): string[] {
  const named = new Set((['to', 'cc', 'bcc'] as const).flatMap((list) => addressesIn(envelope, list)));
  return recipients.map(({ address }) => address).filter((address) => !named.has(address.toLowerCase()));
}

/** RFC 5321 4.4: the envelope's sender; and which of a person's addresses the message was sent to. Then what the checks found. */
function tracePrefix(sender: string, address: string, findings: string): Buffer {
  return Buffer.from(`Return-Path: <${sender}>\r\nDelivered-To: ${address}\r\n${findings}`);
}

/** SMTP answers once for all recipients; LMTP, and imports, recipient by recipient. */
export function hasOneReply({ protocol }: Envelope): boolean {
  return protocol === 'smtp' || protocol === 'submission';
}

/**
 * Where one reply speaks for all recipients and one fails, all fail: for now, since asked one by one at RCPT they will differ; but for good where they
 * would not, lest the sender try for days and hear then that nobody got it.
 */
export function shareFates(envelope: Envelope, recipients: readonly Recipient[]): void {
  if (!hasOneReply(envelope) || recipients.length === 1) return;
  const failures = recipients.flatMap(({ failure }) => failure ?? []);
  const failed = failures.find(({ forGood }) => forGood) ?? failures[0];
  if (failed === undefined) return;
  const isAsItIs = failed.reply < 500 || failed.forGood === true;
  const shared = isAsItIs ? failed : { ...failed, reply: 451, status: failed.status.replace(/^5/, '4') };
  for (const recipient of recipients) recipient.failure = shared;
}
