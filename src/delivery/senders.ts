/**
 * Who may send as whom (RFC 6409 6.1).
 *
 * Invariant: what a person sends names nobody as its sender whom the person may not send as: not in the reverse path, not in any address of From,
 * which people and DMARC look at, and not in Sender, which does not widen what From may say (RFC 5322 3.6.2).
 */
import type { Access } from '../directory/access/access.ts';
import { formatAddress, parseAddress } from '../directory/address.ts';
import type { Account, PossibleOwners } from '../directory/types.ts';
import { Refused } from '../errors.ts';
import { mailboxesIn } from '../message/envelope-text.ts';
import type { AccountId } from '../store/ids.ts';
import type { StagedMessage } from '../store/types.ts';
import type { Resolver } from './recipients.ts';

/** What people may do, and whose domains are whose. */
export interface SenderDirectory {
  access(account: AccountId): Access | Promise<Access>;
  ownersOf(address: string): Promise<PossibleOwners | null>;
}

export class Senders {
  readonly #addresses: Resolver;
  readonly #directory: SenderDirectory;

  /** @param addresses  where they lead; answers at once when it was asked before, so that a message costs no more than it did */
  constructor(addresses: Resolver, directory: SenderDirectory) {
    this.#addresses = addresses;
    this.#directory = directory;
  }

  /** May the person send with this reverse path? The null one is looked at with the message. @throws Refused `sender.forbidden` */
  async checkPath(sender: string, account: Account): Promise<void> {
    if (sender === '' || (await this.#maySendAs(sender, account))) return;
    throw forbidden(`You may not send as ${sender}: the address is not yours.`);
  }

  /** May the person send this message? @throws Refused `sender.forbidden` */
  async checkMessage(sender: string, account: Account, { analysis }: StagedMessage): Promise<void> {
    // RFC 8098 3: a read receipt must have the null sender, so that nothing answers it. All else of people has somebody to tell of failures.
    if (sender === '' && !isReadReceipt(analysis.root)) {
      throw forbidden('Only read receipts may be sent without the address of a sender.');
    }
    await this.checkPath(sender, account);
    const authors = mailboxesIn(analysis.envelope, 'from');
    if (authors.length === 0) throw forbidden('The message does not say whom it is from.');
    for (const mailbox of [...authors, ...mailboxesIn(analysis.envelope, 'sender')]) {
      const address = formatAddress(mailbox);
      if (await this.#maySendAs(address, account)) continue;
      throw forbidden(`The message says that it is from ${address}, and you may not send as that: it is not yours.`);
    }
  }

  async #maySendAs(address: string, account: Account): Promise<boolean> {
    if (await this.#isOwn(address, account)) return true;
    const { senders } = (await this.#directory.access(account.id)).submission;
    if (senders === 'own') return false;
    return senders === 'any' ? parseAddress(address) !== null : this.#isOfDomain(address, account);
  }

  /** Its name, with any detail; an alias that leads there; a group it is a member of. Not what it gets only because nobody has it. */
  async #isOwn(address: string, { id }: Account): Promise<boolean> {
    if (!address.includes('@')) return false;
    const resolved = await this.#addresses.resolve(address);
    return (
      resolved.kind === 'accounts' && resolved.byDefault !== true && resolved.accounts.some((one) => one.id === id)
    );
  }

  async #isOfDomain(address: string, account: Account): Promise<boolean> {
    const owners = await this.#directory.ownersOf(address);
    return owners !== null && account.name.endsWith(`@${owners.domain}`);
  }
}

function isReadReceipt({ type, subtype, params }: StagedMessage['analysis']['root']): boolean {
  const kind = params.find(([name]) => name === 'report-type')?.[1].toLowerCase();
  return type === 'multipart' && subtype === 'report' && kind === 'disposition-notification';
}

function forbidden(what: string): Refused {
  const remedy = 'Choose one of your own addresses in the mail program, or ask the administrator.';
  return new Refused('sender.forbidden', `${what} ${remedy}`);
}
