/**
 * Who may post to a group.
 *
 * People of this office are known by their sign-in, or by their address where a neighbour hands mail over (LMTP) that has checked it. A message from
 * elsewhere that bears the address of somebody here is not taken for theirs: anybody can write that. Addresses elsewhere are taken as they are
 * given, but where their domain says that the message is not from there (SPF), and no signature of it says otherwise.
 */
import { canonicalName } from '../directory/address.ts';
import type { Account, MailList, Resolved } from '../directory/types.ts';
import { Refused } from '../errors.ts';
import type { InDelivery, Recipient } from './in-delivery.ts';
import type { Giver } from './recipients.ts';
import { failureOf } from './replies.ts';

/** What is known of who posts. */
interface Poster {
  /** In canonical form. */
  readonly address: string;
  /** It is of a domain of ours. */
  readonly here: boolean;
  /** Whose it is; of one who signed in: theirs, whatever the address says. */
  readonly accounts: readonly Account[];
  readonly proven: boolean;
}

/** @param members  of the group, who are here @throws Refused `group.posting` */
export async function requirePosting(
  list: MailList,
  members: readonly Account[],
  giver: Giver,
  resolve: (address: string) => Resolved | Promise<Resolved>,
): Promise<void> {
  if (list.who === 'anyone') return;
  const poster = posterOf(giver, await resolve(giver.sender));
  if (poster.here && !poster.proven) {
    throw refused(list, 'sign in with your mail program to post as somebody of this office');
  }
  if (!mayPost(list, members, poster)) throw refused(list, WHO[list.who]);
}

/** Who may post was known by the envelope's sender, as a stranger gave it. */
export function isPostedBySender({ who }: MailList, { protocol, signedIn }: Giver): boolean {
  return who !== 'anyone' && protocol === 'smtp' && signedIn === undefined;
}

/** What was posted in the name of somebody elsewhere, and is not from there. */
export function refuseBorrowed({ borrowed, recipients, envelope: { sender } }: InDelivery): void {
  if (!borrowed) return;
  for (const recipient of recipients) {
    if (recipient.failure === null && recipient.postedBySender)
      recipient.failure = failureOf(notFrom(sender, recipient));
  }
}

function notFrom(sender: string, { address }: Recipient): Refused {
  const text = `Mail to the group ${address} is not taken from you: by what its domain says (SPF), the message is not from ${sender}, who may post.`;
  return new Refused('sender.not-permitted', text);
}

const WHO = {
  members: 'only its members may post',
  people: 'only people of this office may post',
  named: 'only certain addresses may post',
} as const;

function mayPost({ who, named, outsiders }: MailList, members: readonly Account[], poster: Poster): boolean {
  if (named.includes(poster.address)) return true;
  switch (who) {
    case 'members':
      return (
        outsiders.includes(poster.address) || poster.accounts.some(({ id }) => members.some((one) => one.id === id))
      );
    case 'people':
      return poster.accounts.length > 0;
    default:
      return false;
  }
}

function posterOf({ protocol, signedIn, sender }: Giver, resolved: Resolved): Poster {
  const address = canonicalName(sender);
  if (signedIn !== undefined) return { address, here: true, accounts: [signedIn], proven: true };
  const ofSomebody = resolved.kind === 'accounts' && resolved.byDefault !== true;
  const here = resolved.kind !== 'foreign' && sender !== '';
  return { address, here, accounts: ofSomebody ? resolved.accounts : [], proven: protocol === 'lmtp' };
}

function refused({ address }: MailList, why: string): Refused {
  return new Refused('group.posting', `Mail to the group ${address} is not taken from you: ${why}.`);
}
