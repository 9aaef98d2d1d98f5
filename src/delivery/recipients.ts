/** Whom an address stands for: people here, and addresses elsewhere. */
import { parseAddress, parseDomain } from '../directory/address.ts';
import { isRole } from '../directory/behind.ts';
import type { Account, Resolved } from '../directory/types.ts';
import { Refused } from '../errors.ts';
import type { Store } from '../store/api.ts';
import { type ForwardedBefore, ForwardRate } from './forward-rate.ts';
import { goOn } from './forwarding.ts';
import { holdBack } from './hold-back.ts';
import type { InDelivery, Leaving, Recipient } from './in-delivery.ts';
import { listHeader } from './list-header.ts';
import { isPostedBySender, requirePosting } from './posting.ts';
import { type Envelope, HERE, type Outgoing, type RecipientParameters } from './types.ts';

/** Where addresses lead. */
export interface Resolver {
  resolve(address: string): Resolved | Promise<Resolved>;
}

export interface RecipientsOptions {
  /** Of this server. */
  readonly hostname?: string | undefined;
  readonly directory: Resolver;
  readonly store: Pick<Store, 'mailboxes'> & { readonly trace: ForwardedBefore };
  /** Mail for `anna+lists@` goes to Anna's folder of that name, if she has one. */
  readonly detailFolders: boolean;
  /** Absent: no mail leaves. */
  readonly outgoing?: Outgoing | undefined;
  /** Copies that go on to other servers from one address in an hour; absent: as many as there are. */
  readonly forwardedByHour?: number | undefined;
}

/** Who gave the mail, and what of its header is known by then, as far as it decides who may have it. */
export type Giver = Pick<
  Envelope,
  'protocol' | 'signedIn' | 'sender' | 'deliveredTo' | 'fromList' | 'holdUntil' | 'waitedFor'
>;

export type Found = Pick<
  Recipient,
  'accounts' | 'leaves' | 'mailbox' | 'lines' | 'evenIfFull' | 'several' | 'postedBySender'
>;

export class Recipients {
  readonly #options: RecipientsOptions;
  readonly #rate: ForwardRate;

  constructor(options: RecipientsOptions) {
    this.#options = options;
    const { store, forwardedByHour = Number.POSITIVE_INFINITY } = options;
    this.#rate = new ForwardRate(forwardedByHour, store.trace);
  }

  /** @throws Refused `recipient.*`, `relay.forbidden`, `group.posting`, `loop.detected`, `limit.reached` */
  async find(address: string, giver: Giver, parameters: RecipientParameters = {}): Promise<Found> {
    const returning = await this.#returning(address, giver);
    if (returning !== undefined) return { accounts: [], leaves: [returning] };
    const resolved = await this.#resolve(address);
    switch (resolved.kind) {
      case 'accounts': {
        const { accounts: owners, list, detail, role } = resolved;
        if (list !== undefined) {
          await requirePosting(list, owners, giver, (sender) => this.#options.directory.resolve(sender));
        }
        const waiting = whoWaits(address, giver, parameters);
        if (waiting !== undefined) return { accounts: [], leaves: [waiting] };
        const own = (resolved.onward?.here ?? owners).find(({ id }) => id === giver.waitedFor);
        if (own !== undefined) return { accounts: [own], leaves: [] };
        const { accounts, leaves } = await this.#onward(address, resolved, giver, parameters);
        const mailbox = detail === undefined ? undefined : await this.#folder(accounts, detail);
        const lines = list === undefined || giver.fromList === true ? '' : listHeader(list);
        return {
          accounts,
          leaves,
          lines,
          ...(mailbox !== undefined && { mailbox }),
          ...(role && { evenIfFull: role }),
          ...(this.#isForSeveral(owners, leaves) && { several: true }),
          ...(list !== undefined && isPostedBySender(list, giver) && { postedBySender: true }),
        };
      }
      case 'closed':
        throw new Refused('recipient.closed', resolved.text);
      case 'unknown':
        throw new Refused('recipient.unknown', `There is no ${address} here; check the address.`);
      case 'foreign':
        return { accounts: [], leaves: [this.#elsewhere(address, giver, parameters)] };
    }
  }

  /** Postmaster and abuse at the name of the server itself reach somebody, too: reports to other servers come from there (RFC 5321 4.5.1). */
  async #resolve(address: string): Promise<Resolved> {
    const { directory, hostname = '' } = this.#options;
    const resolved = await directory.resolve(address);
    if (resolved.kind !== 'foreign') return resolved;
    const { local = '', domain } = parseAddress(address) ?? {};
    return isRole(local) && domain === parseDomain(hostname) ? directory.resolve('postmaster') : resolved;
  }

  /** A report on mail that was forwarded here goes back to who sent that; undefined: it is none. */
  async #returning(address: string, { sender, signedIn }: Giver): Promise<Leaving | undefined> {
    const { outgoing, directory } = this.#options;
    const to = sender === '' && signedIn === undefined ? outgoing?.srs?.reverse(address) : undefined;
    const destination = to === undefined ? undefined : outgoing?.destinationOf(to);
    if (to === undefined || destination === undefined) return undefined;
    const looksAfter = await directory.resolve(`postmaster${address.slice(address.lastIndexOf('@'))}`);
    const account = looksAfter.kind === 'accounts' ? looksAfter.accounts[0]?.id : undefined;
    return account === undefined ? undefined : { account, sender: '', address: to, destination };
  }

  /** Keeps what must not go on, once it is known what the checks say of it. */
  async holdBack(delivery: InDelivery): Promise<void> {
    await holdBack(delivery, async (address) => (await this.#options.directory.resolve(address)).kind !== 'foreign');
  }

  /** Counts what goes on. */
  noteForwarded(recipients: readonly Recipient[]): void {
    for (const { leaves, failure } of recipients) {
      if (failure === null) for (const { via } of leaves) if (via !== undefined) this.#rate.note(via.address);
    }
  }

  /** @throws Refused `loop.detected`, `limit.reached`, `relay.forbidden` */
  async #onward(
    address: string,
    { accounts, onward }: Extract<Resolved, { kind: 'accounts' }>,
    { sender, deliveredTo = [] }: Giver,
    parameters: RecipientParameters,
  ): Promise<Pick<Found, 'accounts' | 'leaves'>> {
    if (onward === undefined) return { accounts, leaves: [] };
    const { outgoing } = this.#options;
    return goOn(address, onward, { sender, deliveredTo, parameters }, { outgoing, rate: this.#rate });
  }

  /** Copies wait only where there is somebody who tries them again. */
  #isForSeveral(owners: readonly Account[], leaves: readonly Leaving[]): boolean {
    if (this.#options.outgoing === undefined) return false;
    return owners.length > 1 || leaves.some(({ via }) => via?.keeper === null);
  }

  /** Only who signed in sends to other servers: this is nobody's relay. */
  #elsewhere(address: string, { signedIn, sender }: Giver, parameters: RecipientParameters): Leaving {
    const { outgoing } = this.#options;
    if (signedIn === undefined) {
      const text = `${address} is not an address of this server, which does not relay.`;
      throw new Refused('relay.forbidden', text);
    }
    if (outgoing === undefined) {
      const text = `Mail to ${address} can't be sent: sending to other servers isn't set up here.`;
      throw new Refused('relay.forbidden', text);
    }
    const destination = outgoing.destinationOf(address);
    if (destination === undefined) {
      throw new Refused('recipient.invalid', `${address} can't be an address: check what stands after the @.`);
    }
    return { account: signedIn.id, sender, address, destination, ...parameters };
  }

  /** One person's folder that is named like the detail, but for those with a use of their own: nobody writes into Trash from outside. */
  async #folder([account, ...others]: readonly Account[], detail: string) {
    const { store, detailFolders } = this.#options;
    if (!detailFolders || account === undefined || others.length > 0) return undefined;
    return (await store.mailboxes.list(account.id)).find(
      ({ path, role, selectable }) => role === null && selectable && foldedName(path) === detail,
    )?.id;
  }
}

/** Somebody here whose mail is to be there later waits for it in the queue, like those elsewhere; then it is looked anew where it goes. */
function whoWaits(
  address: string,
  { signedIn, sender, holdUntil }: Giver,
  parameters: RecipientParameters,
): Leaving | undefined {
  if (holdUntil === undefined || signedIn === undefined) return undefined;
  return { account: signedIn.id, sender, address, destination: HERE, ...parameters };
}

/** A folder's name in the form that local parts have (directory/address.ts). */
function foldedName(path: string): string {
  return path.normalize('NFKC').toLowerCase().normalize('NFKC');
}
