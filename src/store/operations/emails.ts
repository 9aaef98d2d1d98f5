/** Reading the immutable part of messages. */
import type { MessageAnalysis } from '../../message/analysis.ts';
import { parseParts } from '../../message/stored-parts.ts';
import type { Reader } from '../engine/engine.ts';
import { type Sql, sql, type Value } from '../engine/sql.ts';
import type { AccountId, EmailId, ThreadId } from '../ids.ts';
import type { BodyAddress, BodyRecord, EmailRecord } from '../types.ts';
import { emailKey } from './email-key.ts';

/** A row begins with the email's id, whatever is read of it. */
type Row = readonly [email: number, ...Value[]];

type AddressColumns = readonly [
  hash: Uint8Array,
  segment: number,
  start: number,
  length: number,
  storedLength: number,
  codec: number,
];

type BodyRow = readonly [email: number, prefix: Uint8Array, parts: string, ...address: AddressColumns];

type EmailRow = readonly [
  ...body: BodyRow,
  thread: number,
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
];

const ADDRESS = 'hash, segment_id, start, length, stored_length, codec';
const BODY = `email_id, prefix, parts, ${ADDRESS}`;
const EMAIL = `${BODY}, thread_id, sent, has_attachment, message_id, in_reply_to, refs, subject, base_subject, sort_from, sort_to, sort_cc,
  display_from, display_to, preview, envelope, body_structure`;

/** The two ways to read rows: by key, and as a range. */
interface Selection<R extends Row> {
  readonly one: Sql<R>;
  readonly between: Sql<R>;
}

function selection<R extends Row>(columns: string): Selection<R> {
  return {
    one: sql<R>(`SELECT ${columns} FROM email WHERE email_key = ?`),
    between: sql<R>(`SELECT ${columns} FROM email WHERE email_key BETWEEN ? AND ? ORDER BY email_key`),
  };
}

const EMAILS = selection<EmailRow>(EMAIL);
const BODIES = selection<BodyRow>(BODY);
const BODY_ADDRESS = sql<AddressColumns>(`SELECT ${ADDRESS} FROM email WHERE email_key = ?`);

/** The records of these emails, in the order asked for; those that are gone are left out. */
export async function readEmails(tx: Reader, account: AccountId, emails: readonly EmailId[]): Promise<EmailRecord[]> {
  return (await readRows(tx, EMAILS, account, emails)).map((row) => new StoredEmail(row));
}

/** What is needed to give the bytes of these emails, likewise; cheaper than their records. */
export async function readBodyRecords(
  tx: Reader,
  account: AccountId,
  emails: readonly EmailId[],
): Promise<BodyRecord[]> {
  return (await readRows(tx, BODIES, account, emails)).map((row) => new StoredBody(row));
}

/** Emails filed one after the other have ids close together and are read as one range; others by key. */
async function readRows<R extends Row>(
  tx: Reader,
  { one, between }: Selection<R>,
  account: AccountId,
  emails: readonly EmailId[],
): Promise<R[]> {
  let least = Infinity;
  let most = 0;
  for (const email of emails) {
    if (email < least) least = email;
    if (email > most) most = email;
  }
  const found: R[] = [];
  if (emails.length > 8 && most - least < emails.length * 6) {
    const rows = await tx.all(between, emailKey(account, least), emailKey(account, most));
    const byId = new Map(rows.map((row) => [row[0], row]));
    for (const email of emails) {
      const row = byId.get(email);
      if (row !== undefined) found.push(row);
    }
  } else {
    for (const email of emails) {
      const row = await tx.get(one, emailKey(account, email));
      if (row !== undefined) found.push(row);
    }
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

class StoredBody<R extends BodyRow | EmailRow = BodyRow> implements BodyRecord {
  readonly row: R;
  readonly prefix: Buffer;
  readonly body: BodyAddress;

  constructor(row: R) {
    const [, prefix, , hash, segment, offset, length, storedLength, codec] = row;
    this.row = row;
    this.prefix = Buffer.from(prefix.buffer, prefix.byteOffset, prefix.length);
    this.body = { hash, segment, offset, length, storedLength, codec };
  }

  get email(): EmailId {
    return this.row[0] as EmailId;
  }

  root(): MessageAnalysis['root'] {
    return parseParts(this.row[2]);
  }
}

class StoredEmail extends StoredBody<EmailRow> implements EmailRecord {
  get thread(): ThreadId {
    return this.row[9] as ThreadId;
  }

  get sent(): number | null {
    return this.row[10];
  }

  get analysis(): Omit<MessageAnalysis, 'root'> {
    return new StoredAnalysis(this.row);
  }
}

/** What was worked out when the message came in; lists are only taken apart when somebody asks. */
class StoredAnalysis implements Omit<MessageAnalysis, 'root'> {
  readonly #row: EmailRow;

  constructor(row: EmailRow) {
    this.#row = row;
  }

  get size(): number {
    return this.#row[6];
  }

  get sent(): number | null {
    return this.#row[10];
  }

  get hasAttachment(): boolean {
    return this.#row[11] === 1;
  }

  get messageId(): string | null {
    return this.#row[12];
  }

  get inReplyTo(): readonly string[] {
    return lines(this.#row[13]);
  }

  get references(): readonly string[] {
    return lines(this.#row[14]);
  }

  get subject(): string {
    return this.#row[15];
  }

  get baseSubject(): string {
    return this.#row[16];
  }

  get sortFrom(): string {
    return this.#row[17];
  }

  get sortTo(): string {
    return this.#row[18];
  }

  get sortCc(): string {
    return this.#row[19];
  }

  get displayFrom(): string {
    return this.#row[20];
  }

  get displayTo(): string {
    return this.#row[21];
  }

  get preview(): string {
    return this.#row[22];
  }

  get envelope(): string {
    return this.#row[23];
  }

  get bodyStructure(): string {
    return this.#row[24];
  }
}

function lines(text: string): readonly string[] {
  return text === '' ? [] : text.split('\n');
}
