/**
 * One account under inspection. A rule is written once: what it finds, and how that is set right. `rainmail verify` reads and lists; with
 * `--repair` the same rules run over a transaction that may write, and mend what they find as they go.
 */
import type { Reader, Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { AccountId, MailboxId, Modseq, Uid } from '../ids.ts';
import { type Claim, claim } from '../operations/account-row.ts';
import { CountDelta, changeMailbox } from '../operations/mailbox-row.ts';
import { insertMailbox, TOP } from '../operations/mailboxes.ts';
import type { Finding } from './finding.ts';

/** The folder for messages that have lost theirs. */
export const RECOVERED = 'Recovered';

/** UIDs are unsigned integers of 32 bits (RFC 9051 2.3.1.1), and ids stay below it too (operations/email-key.ts). */
export const LIMIT = 2 ** 32;

/** Of tombstones `x`: those of the mailbox as it is now, not of one that was deleted and made again with the same id. */
export const SINCE_MADE = `x.modseq > coalesce((SELECT max(g.modseq) FROM mailbox_gone g
  WHERE g.account_id = x.account_id AND g.mailbox_id = x.mailbox_id), 0)`;

const RECOVERED_FOLDER = sql<readonly [mailbox: number]>(
  'SELECT mailbox_id FROM mailbox WHERE account_id = ? AND parent_id = 0 AND name = ?',
);
const MAKE_SELECTABLE = sql('UPDATE mailbox SET selectable = 1 WHERE account_id = ? AND mailbox_id = ?');

export type Mend = (mender: Mender) => Promise<void>;

export class Inspection {
  readonly tx: Reader;
  readonly account: AccountId;
  /** Its address. */
  readonly name: string;
  readonly findings: Finding[] = [];
  /** Null: look only. */
  readonly #mender: Mender | null;

  constructor(tx: Reader, account: AccountId, name: string, mender: Mender | null) {
    this.tx = tx;
    this.account = account;
    this.name = name;
    this.#mender = mender;
  }

  /** @param mended what `mend` does about it, for the report */
  async find(finding: Omit<Finding, 'account'>, mended: string, mend: Mend): Promise<void> {
    const text = this.#mender === null ? finding.text : `${finding.text}: ${mended}`;
    this.findings.push({ account: this.name, ...finding, text });
    if (this.#mender !== null) await mend(this.#mender);
  }
}

/** What mending takes from the account: one modseq for all of it, ids, and the folder for what has lost its own. */
export class Mender {
  readonly tx: Writer;
  readonly account: AccountId;
  #modseq: Modseq | undefined;
  #recovered: MailboxId | undefined;

  constructor(tx: Writer, account: AccountId) {
    this.tx = tx;
    this.account = account;
  }

  /** Clients must hear of the change: whatever is changed carries this modseq. */
  async modseq(mailbox?: MailboxId): Promise<Modseq> {
    this.#modseq ??= (await this.#claim(0)).modseq;
    const change = { account: this.account, modseq: this.#modseq, mailboxes: true };
    this.tx.changed(mailbox === undefined ? change : { ...change, mailbox });
    return this.#modseq;
  }

  async newId(): Promise<number> {
    return (await this.#claim(1)).firstId;
  }

  /** A new UID in a mailbox. The counts are set right at the end (counts.ts). */
  async newUid(mailbox: MailboxId): Promise<Uid> {
    const modseq = await this.modseq(mailbox);
    const changed = await changeMailbox(this.tx, this.account, mailbox, modseq, new CountDelta(), 1);
    if (changed === undefined) throw new Error(`mailbox ${mailbox} takes no messages`);
    return changed.firstUid;
  }

  /** The folder for what has lost its own; made when it is missing. */
  async recovered(): Promise<MailboxId> {
    if (this.#recovered !== undefined) return this.#recovered;
    const row = await this.tx.get(RECOVERED_FOLDER, this.account, RECOVERED);
    if (row !== undefined) {
      await this.tx.run(MAKE_SELECTABLE, this.account, row[0]);
      this.#recovered = row[0] as MailboxId;
    } else {
      const id = (await this.newId()) as MailboxId;
      const modseq = await this.modseq(id);
      await insertMailbox(this.tx, {
        account: this.account,
        id,
        parent: TOP,
        name: RECOVERED,
        role: null,
        modseq,
        subscribed: true,
      });
      this.#recovered = id;
    }
    return this.#recovered;
  }

  async #claim(ids: number): Promise<Claim> {
    const claimed = await claim(this.tx, this.account, { ids, bytes: 0, messages: 0 });
    this.#modseq ??= claimed.modseq;
    return claimed;
  }
}
