/**
 * What does not go on to other servers, though its recipients forward their mail; and what goes on without its sender hearing of it.
 *
 * - Junk: sent on, it would make this server one that sends junk.
 * - What bears the name of our own domains, or of one related to them, and nothing proves that it is from there: it would leave with a reverse path of ours, so
 *   SPF would pass in the name of the very domain that it is forged in, and DMARC would call it true. With the null sender, as reports have it, it is the name
 *   of this server that passes, which is as good.
 */
import { formatAddress, parseDomain } from '../directory/address.ts';
import { Refused } from '../errors.ts';
import { domainOf } from '../message/addresses.ts';
import { mailboxesIn } from '../message/envelope-text.ts';
import type { InDelivery, Recipient } from './in-delivery.ts';
import { failureOf } from './replies.ts';

/** Where mail goes on whose sender is forged, by what the sender's own domain says: a report would be a letter to somebody who sent nothing. */
function tellOwnersOnly(recipient: Recipient): void {
  recipient.leaves = recipient.leaves.map((leaving) => {
    const { sender, via } = leaving;
    if (via === undefined || sender === '') return leaving;
    return { ...leaving, sender: via.keeper === null ? '' : via.address };
  });
}

/** @param isOurs  is the address of a domain of ours? */
export async function holdBack(delivery: InDelivery, isOurs: (address: string) => Promise<boolean>): Promise<void> {
  const { suspicious, unproven, disowned, borrowed, recipients, envelope } = delivery;
  if (!suspicious && !unproven && !borrowed) return;
  const going = recipients.filter(({ failure, leaves }) => failure === null && leaves.length > 0);
  for (const recipient of going) {
    const forged = unproven && (await mayPassForOurs(delivery, recipient, isOurs));
    if (isReport(recipient)) {
      if (forged || suspicious) recipient.failure = failureOf(unprovenReport());
      continue;
    }
    if (forged || suspicious) keep(recipient);
    if (forged && recipient.leaves.length > 0) recipient.failure = failureOf(unprovenName());
    // SRS leaves an address of ours as it is: a stranger who writes it would have our mark on it, and our people hear of what they never sent.
    if (disowned || (borrowed && (await isOurs(envelope.sender)))) tellOwnersOnly(recipient);
  }
}

/** It goes back to who sent what was forwarded here: what strangers bring leaves by no other way without having been at an address of ours. */
function isReport({ leaves }: Recipient): boolean {
  return leaves.every(({ via }) => via === undefined);
}

/** What somebody forwards stays with them; what an alias or a group leads elsewhere nobody could keep. */
function keep(recipient: Recipient): void {
  const kept = new Map(recipient.accounts.map((account) => [account.id, account]));
  for (const { via } of recipient.leaves) if (via?.keeper) kept.set(via.keeper.id, via.keeper);
  recipient.accounts = [...kept.values()];
  recipient.leaves = recipient.leaves.filter(({ via }) => (via?.keeper ?? null) === null);
}

async function mayPassForOurs(
  { message: { analysis } }: InDelivery,
  { address, leaves }: Recipient,
  isOurs: (address: string) => Promise<boolean>,
): Promise<boolean> {
  for (const author of mailboxesIn(analysis.envelope, 'from')) {
    if (await isOurs(formatAddress(author))) return true;
    const domain = parseDomain(author.domain);
    const from = leaves.map(({ via }) => domainOf(via?.address ?? address.toLowerCase()));
    if (domain !== null && from.some((each) => areRelated(domain, each))) return true;
  }
  return false;
}

/** DMARC takes a domain above or below another for the same (RFC 7489 3.1). */
function areRelated(one: string, other: string): boolean {
  return one === other || one.endsWith(`.${other}`) || other.endsWith(`.${one}`);
}

function unprovenName(): Refused {
  const text =
    'The message says that it is from this office, and nothing proves it (SPF, DKIM): it does not go on to other servers. Sign in to send it.';
  return new Refused('sender.unproven', text);
}

function unprovenReport(): Refused {
  const text =
    'Nothing proves who sent this report, and by what it says of that it may be forged: it does not go on to the sender of the message that was forwarded here.';
  return new Refused('sender.unproven', text);
}
