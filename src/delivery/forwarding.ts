/**
 * Mail that goes on from an address of ours: forwarded by somebody, or by an alias or a group that leads elsewhere.
 *
 * Invariants
 * - Nothing is lost: what somebody's forwarding can't send on is in their own mailbox.
 * - What comes back does not go on again: each copy says in Delivered-To (RFC 9228) from which address it went on.
 * - The null sender stays null, so that no report is answered by a report.
 */
import { canonicalName } from '../directory/address.ts';
import type { Account, Onward } from '../directory/types.ts';
import { Refused } from '../errors.ts';
import { domainOf } from '../message/addresses.ts';
import type { AccountId } from '../store/ids.ts';
import type { Notify } from '../store/types.ts';
import type { ForwardRate } from './forward-rate.ts';
import type { Leaving } from './in-delivery.ts';
import type { Outgoing, RecipientParameters } from './types.ts';

/** A message, as far as it decides whether it goes on. */
export interface Forwarded {
  readonly sender: string;
  /** Where it has been, by its header. */
  readonly deliveredTo: readonly string[];
  readonly parameters: RecipientParameters;
}

interface GoneOn {
  readonly accounts: readonly Account[];
  readonly leaves: readonly Leaving[];
}

/**
 * @param address  as the sender gave it, for texts
 * @throws Refused `loop.detected`, `limit.reached`, `relay.forbidden` where an alias or a group leads elsewhere and no mail leaves
 */
export async function goOn(
  address: string,
  { here, forwards }: Onward,
  message: Forwarded,
  { outgoing, rate }: { readonly outgoing: Outgoing | undefined; readonly rate: ForwardRate },
): Promise<GoneOn> {
  const accounts = new Map<AccountId, Account>(here.map((account) => [account.id, account]));
  const leaves: Leaving[] = [];
  const been = new Set(message.deliveredTo.map((address) => canonicalName(address.replace(/^<|>$/g, ''))));
  const parameters = noticesOf(message.parameters, here.length + forwards.length > 1);
  for (const forward of forwards) {
    const { to, from, account, keeper } = forward;
    if (outgoing === undefined && keeper === null) throw switchedOff(address);
    const destination = been.has(from) ? undefined : outgoing?.destinationOf(to);
    if (destination !== undefined) {
      if (await rate.isSpent(from)) throw tooMany(address);
      const leaving = { account, address: to, destination, via: { address: from, keeper } };
      // Who has a copy is told of one that fails; the sender's mail has arrived.
      if (keeper?.forwards === 'copies') leaves.push({ ...leaving, sender: message.sender && from });
      else {
        const forwarder = keeper === null ? caretakerOf(from) : from;
        leaves.push({ ...leaving, sender: await reversePath(message.sender, forwarder, outgoing), ...parameters });
      }
    } else if (keeper !== null) accounts.set(keeper.id, keeper);
  }
  if (accounts.size + leaves.length === 0) {
    throw new Refused('loop.detected', `This message has been at ${address} before: it goes round in circles.`);
  }
  return { accounts: [...accounts.values()], leaves };
}

/** Who hears of what an alias or a group could not send on, where its sender can't: at its own address all behind it would get the reports on one of them. */
export function caretakerOf(address: string): string {
  return `postmaster@${domainOf(address)}`;
}

/** Under which address it leaves: the next server sees a sender for whom we may send, and reports find back to who sent it. */
async function reversePath(sender: string, forwarder: string, outgoing: Outgoing | undefined): Promise<string> {
  if (sender === '') return '';
  return outgoing?.srs === undefined ? forwarder : outgoing.srs.forward(sender, forwarder);
}

/** RFC 3461 5.2.7.2: of one recipient that became several, nobody can report a success for all. */
export function noticesOf({ notify, original }: RecipientParameters, several: boolean): RecipientParameters {
  const kept = several ? notify?.filter((notice) => notice !== 'success') : notify;
  const asked: readonly Notify[] | undefined = kept?.length === 0 && notify?.length !== 0 ? ['never'] : kept;
  return { ...(asked && { notify: asked }), ...(original !== undefined && { original }) };
}

function switchedOff(address: string): Refused {
  const text = `Mail to ${address} goes on to another server, and this one sends nothing to others just now.`;
  return new Refused('relay.forbidden', text);
}

function tooMany(address: string): Refused {
  const text = `More mail to ${address} was to go on to other servers than is let through in an hour; please try again later.`;
  return new Refused('limit.reached', text);
}
