/** Accounts full of odd mail, and what must be the same of them after a way through files. */
import { hash } from 'node:crypto';
import { Refused } from '../../src/errors.ts';
import { flagNames, flagsFrom } from '../../src/store/flags.ts';
import type { AccountId } from '../../src/store/ids.ts';
import type { MailStore } from '../../src/store/store.ts';
import { APPENDED_ONLY, ODD_MESSAGES } from '../clients/odd-messages.ts';
import fc from '../helpers/properties.ts';
import { corpus } from '../message/corpus.ts';
import { stage } from '../store/helpers.ts';

export interface FolderStory {
  readonly path: string;
  readonly subscribed: boolean;
  readonly messages: readonly MessageStory[];
}

export interface MessageStory {
  readonly content: Buffer;
  readonly flags: readonly string[];
  readonly received: number;
  /** Of another server; null: none. */
  readonly uidl: string | null;
}

export interface AccountStory {
  readonly folders: readonly FolderStory[];
  /** What the mailbox for sent mail is called. */
  readonly sent: string;
  /** Subscribed, without a mailbox. */
  readonly dangling: readonly string[];
}

const odd = [...ODD_MESSAGES, ...APPENDED_ONLY].map((text) => Buffer.from(text, 'latin1'));
const lines = fc
  .array(
    fc.constantFrom(
      '\r\n',
      '\n',
      '\r',
      'a',
      'From ',
      '>From ',
      'Subject: b',
      'Status: RO',
      ' ',
      '\0',
      '\xff',
      'X-UID: 4',
    ),
  )
  .map((pieces) => Buffer.from(pieces.join(''), 'latin1'));
const content = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...odd) },
  { weight: 2, arbitrary: fc.constantFrom(...corpus().map(({ bytes }) => bytes)) },
  { weight: 4, arbitrary: lines },
);

const flag = fc.oneof(
  fc.constantFrom('\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft', '$Forwarded', '$Junk', '$MDNSent'),
  // More than a Maildir has letters for.
  fc.integer({ min: 1, max: 40 }).map((number) => `keyword-${number}`),
  fc.constantFrom('Work', 'a+b', "it's", '[x', '~', '$label1', 'x.y:z;2,S'),
);

const message: fc.Arbitrary<MessageStory> = fc.record({
  content,
  flags: fc.uniqueArray(flag, { maxLength: 12, selector: (name) => name.toLowerCase() }),
  received: fc.integer({ min: 0, max: 4_000_000_000 }),
  uidl: fc.option(fc.stringMatching(/^[!-~]{1,70}$/), { nil: null }),
});

const part = fc.oneof(
  fc.constantFrom(
    'Clients',
    'Müller',
    'a.b',
    '.hidden',
    '~home',
    'A & B',
    '日本語',
    '😀',
    'x:y',
    'CON',
    'sub.mbox',
    'new',
    'cur',
    'tmp',
  ),
  fc.constantFrom(
    'clients',
    'rainmail.json',
    ' spaces ',
    '"quoted"',
    '%*',
    'Sent Items',
    'e\u0301',
    '&AMA-',
    'INBOX',
    'x'.repeat(240),
  ),
  fc.string({ minLength: 1, maxLength: 12 }),
);
const path = fc
  .array(part, { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'))
  .filter((name) => !/^inbox$/i.test(name));

const folder = (name: fc.Arbitrary<string>): fc.Arbitrary<FolderStory> =>
  fc.record({ path: name, subscribed: fc.boolean(), messages: fc.array(message, { maxLength: 6 }) });

export const accountStory: fc.Arbitrary<AccountStory> = fc.record({
  folders: fc
    .tuple(folder(fc.constant('INBOX')), fc.array(folder(path), { maxLength: 5 }))
    .map(([inbox, folders]) => [{ ...inbox, subscribed: true }, ...folders]),
  sent: fc.constantFrom('Sent', 'Versendet', 'Post/Aus', 'Sent Items'),
  dangling: fc.array(fc.constantFrom('Gone', 'Gone/Below', 'Old Müller'), { maxLength: 2 }),
});

/** Makes the account's mail be as the story says; what can't be the name of a folder is left out. */
export async function tell(store: MailStore, account: AccountId, story: AccountStory): Promise<void> {
  const sent = (await store.mailboxes.list(account)).find((mailbox) => mailbox.role === 'sent')!;
  await store.mailboxes.rename(account, sent.id, story.sent);
  for (const { path: name, subscribed, messages } of story.folders) {
    const mailbox = await mailboxFor(store, account, name);
    if (mailbox === null) continue;
    await store.mailboxes.setSubscribed(account, mailbox.path, subscribed);
    const appended = [];
    const taken = await uidlsOf(store, account, mailbox.id);
    for (const { content: bytes, flags, received, uidl } of messages) {
      const own = uidl === null || taken.has(uidl) ? {} : { uidl };
      if (uidl !== null) taken.add(uidl);
      appended.push({ staged: await stage(store, bytes), flags: flagsFrom(flags), received, ...own });
    }
    if (appended.length > 0) await store.append({ account, mailbox: mailbox.id }, appended);
  }
  for (const name of story.dangling) await store.mailboxes.setSubscribed(account, name, true);
}

async function mailboxFor(store: MailStore, account: AccountId, name: string) {
  const find = async (wanted: string) =>
    (await store.mailboxes.list(account)).find((mailbox) => mailbox.path === wanted);
  try {
    return (await find(name)) ?? (await store.mailboxes.create(account, name));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return (await find(name.normalize('NFC').replace(/\/$/, ''))) ?? null;
  }
}

async function uidlsOf(store: MailStore, account: AccountId, mailbox: Parameters<MailStore['view']>[0]['mailbox']) {
  const view = await store.view({ account, mailbox });
  return new Set(Array.from({ length: view.length }, (_, index) => view.uidl(index)));
}

/** All that a person and their programs see of an account, but for UIDs. */
export async function seen(store: MailStore, account: AccountId) {
  const folders: Record<string, unknown> = {};
  for (const { id, path: name, role, subscribed, selectable } of await store.mailboxes.list(account)) {
    const view = await store.view({ account, mailbox: id });
    const messages = [];
    for (let index = 0; index < view.length; index++) {
      const [record] = await store.bodyRecords(account, [view.email(index)]);
      const parts: Buffer[] = [record!.prefix];
      for await (const chunk of store.bodies.chunks(account, record!.email, record!.body))
        parts.push(Buffer.from(chunk));
      messages.push({
        content: excerpt(Buffer.concat(parts)),
        flags: flagNames({ bits: view.flagBits(index), keywords: view.keywordsOf(index) }).sort(),
        received: view.received(index),
        uidl: view.uidl(index),
      });
    }
    folders[name] = { role, subscribed, selectable, messages };
  }
  return { folders, dangling: await store.mailboxes.danglingSubscriptions(account) };
}

/** Enough to see what differs. */
function excerpt(content: Buffer): string {
  return `${content.length} ${hash('sha256', content).slice(0, 16)} ${JSON.stringify(content.toString('latin1', 0, 80))}`;
}
