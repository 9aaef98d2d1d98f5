/** Reading the immutable part of messages. */
import type { MessageAnalysis } from '../../message/analysis.ts';
import { parseParts } from '../../message/stored-parts.ts';
import type { Reader } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { AccountId, EmailId, ThreadId } from '../ids.ts';
import type { BodyAddress, EmailRecord } from '../types.ts';
import { emailKey } from './email-key.ts';

type EmailRow = readonly [
  email: number,
  thread: number,
  prefix: Uint8Array,
  sent: number | null,
  hasAttachment: number,
  messageId: string | null,
  inReplyTo: string,
  references: string,
  subject: string,
  baseSubject: string,
  sortFrom: string,
  sortTo: string,
  sortCc: string,
  displayFrom: string,
  displayTo: string,
  preview: string,
  envelope: string,
  bodyStructure: string,
  parts: string,
  ...address: AddressColumns,
];

type AddressColumns = readonly [
  hash: Uint8Array,
  segment: number,
  start: number,
  length: number,
  storedLength: number,
  codec: number,
];

const ADDRESS = 'hash, segment_id, start, length, stored_length, codec';
const COLUMNS = `email_id, thread_id, prefix, sent, has_attachment, message_id, in_reply_to, refs, subject, base_subject, sort_from, sort_to,
  sort_cc, display_from, display_to, preview, envelope, body_structure, parts, ${ADDRESS}`;

const EMAIL = sql<EmailRow>(`SELECT ${COLUMNS} FROM email WHERE email_key = ?`);
const EMAILS_BETWEEN = sql<EmailRow>(`SELECT ${COLUMNS} FROM email WHERE email_key BETWEEN ? AND ? ORDER BY email_key`);
const BODY_ADDRESS = sql<AddressColumns>(`SELECT ${ADDRESS} FROM email WHERE email_key = ?`);

/**
 * The records of these emails, in the order asked for; those that are gone are left out. Emails filed one after the other have ids close
 * together and are read as one range; others by key.
 */
export async function readEmails(tx: Reader, account: AccountId, emails: readonly EmailId[]): Promise<EmailRecord[]> {
  let least = Infinity;
  let most = 0;
  for (const email of emails) {
    if (email < least) least = email;
    if (email > most) most = email;
  }
  if (emails.length > 8 && most - least < emails.length * 6) {
    const rows = await tx.all(EMAILS_BETWEEN, emailKey(account, least), emailKey(account, most));
    const byId = new Map(rows.map((row) => [row[0], row]));
    const found: EmailRecord[] = [];
    for (const email of emails) {
      const row = byId.get(email);
      if (row !== undefined) found.push(toRecord(row));
    }
    return found;
  }
  const found: EmailRecord[] = [];
  for (const email of emails) {
    const row = await tx.get(EMAIL, emailKey(account, email));
    if (row !== undefined) found.push(toRecord(row));
  }
  return found;
}

/** Where the body of an email stands now, or undefined when the email is gone. */
export async function readBodyAddress(
  tx: Reader,
  account: AccountId,
  email: EmailId,
): Promise<BodyAddress | undefined> {
  const row = await tx.get(BODY_ADDRESS, emailKey(account, email));
  return row === undefined ? undefined : toAddress(...row);
}

function toAddress(...[hash, segment, offset, length, storedLength, codec]: AddressColumns): BodyAddress {
  return { hash, segment, offset, length, storedLength, codec };
}

function toRecord(row: EmailRow): EmailRecord {
  return {
    email: row[0] as EmailId,
    thread: row[1] as ThreadId,
    prefix: Buffer.from(row[2].buffer, row[2].byteOffset, row[2].length),
    body: { hash: row[19], segment: row[20], offset: row[21], length: row[22], storedLength: row[23], codec: row[24] },
    sent: row[3],
    analysis: new StoredAnalysis(row),
  };
}

/** What was worked out when the message came in; lists and the tree of parts are only taken apart when somebody asks. */
class StoredAnalysis implements Omit<MessageAnalysis, 'root'> {
  readonly #row: EmailRow;
  readonly size: number;
  readonly envelope: string;
  readonly bodyStructure: string;

  constructor(row: EmailRow) {
    this.#row = row;
    this.size = row[22];
    this.envelope = row[16];
    this.bodyStructure = row[17];
  }

  root(): MessageAnalysis['root'] {
    return parseParts(this.#row[18]);
  }

  get messageId(): string | null {
    return this.#row[5];
  }

  get inReplyTo(): readonly string[] {
    return lines(this.#row[6]);
  }

  get references(): readonly string[] {
    return lines(this.#row[7]);
  }

  get subject(): string {
    return this.#row[8];
  }

  get baseSubject(): string {
    return this.#row[9];
  }

  get sent(): number | null {
    return this.#row[3];
  }

  get sortFrom(): string {
    return this.#row[10];
  }

  get sortTo(): string {
    return this.#row[11];
  }

  get sortCc(): string {
    return this.#row[12];
  }

  get displayFrom(): string {
    return this.#row[13];
  }

  get displayTo(): string {
    return this.#row[14];
  }

  get preview(): string {
    return this.#row[15];
  }

  get hasAttachment(): boolean {
    return this.#row[4] === 1;
  }
}

function lines(text: string): readonly string[] {
  return text === '' ? [] : text.split('\n');
}
