/**
 * The load: people who work at the same time, each at random and each noting what they ask, hear and see, until the server is gone.
 *
 * - Three mail servers hand over messages by LMTP, to one person or to several.
 * - Everyone in {@link READERS} has one IMAP session: APPEND, STORE, COPY, MOVE, EXPUNGE.
 * - {@link DOWNLOADER} fetches over POP3 and deletes.
 */
import { setImmediate } from 'node:timers/promises';
import { type ImapDevice, LineClient, Pop3Device } from '../helpers/line-client.ts';
import { PASSWORD, type TrialOffice } from '../helpers/office.ts';
import { MAILBOXES, messagesFrom, signIn, status } from './imap-mailbox.ts';
import type { AccountName, Change, Journal, MailboxName } from './journal.ts';
import { isWhole, messageOf, newToken, type Token, tokenOf } from './messages.ts';
import type { Model } from './model.ts';
import type { Random } from './random.ts';

export const READERS: readonly AccountName[] = ['anna', 'ben'];
export const DOWNLOADER: AccountName = 'carl';
export const PEOPLE: readonly AccountName[] = [...READERS, DOWNLOADER];

const MAIL_SERVERS = 3;
/** Beyond so many a mailbox is tidied up, so that reading everything stays quick. */
const TIDY_ABOVE = 40;
const FLAGS = ['\\seen', '\\flagged', '\\answered', '$work'];

export interface Load {
  readonly office: TrialOffice;
  readonly journal: Journal;
  /** Of the journal: what the people know of their mailboxes. */
  readonly model: Model;
  readonly random: Random;
}

/**
 * Works until every connection has ended. Rejects when the server answers anything but yes.
 * @param sessions of the readers, which some check may have opened before
 */
export async function work(load: Load, sessions: ReadonlyMap<AccountName, ImapDevice> = new Map()): Promise<void> {
  const people = [
    ...Array.from({ length: MAIL_SERVERS }, () => handOver({ ...load, random: load.random.fork() })),
    ...READERS.map((account) => read({ ...load, random: load.random.fork() }, account, sessions.get(account))),
    download({ ...load, random: load.random.fork() }),
  ];
  const outcomes = await Promise.allSettled(people);
  for (const outcome of outcomes) if (outcome.status === 'rejected' && !isGone(outcome.reason)) throw outcome.reason;
}

/** The connection ended, or there was none to be had: that is what happens when a server dies. */
export function isGone(error: unknown): boolean {
  return /the connection has ended|ECONNREFUSED|ECONNRESET|EPIPE/.test(String(error));
}

/** Mostly small; now and then one that is large enough for a segment of its own. */
function size(random: Random): number {
  return random.chance(0.02) ? random.between(1_050_000, 1_400_000) : random.between(200, 12_000);
}

async function handOver({ office, journal, random }: Load): Promise<void> {
  const client = await LineClient.connect(office.port('lmtp'));
  await client.reply('220');
  await client.ask('LHLO test', '250');
  for (;;) {
    const to = random.chance(0.5) ? [random.pick(PEOPLE)] : random.some(PEOPLE, PEOPLE.length);
    const token = newToken(size(random));
    journal.write({ event: 'sent', token, to });
    const recipients = to.map((name) => `RCPT TO:<${office.address(name)}>\r\n`).join('');
    client.send(`MAIL FROM:<someone@example.org>\r\n${recipients}DATA\r\n`); // RFC 2920
    await client.reply('250');
    for (const _ of to) await client.reply('250');
    await client.reply('354');
    client.send(`${messageOf(token).replace(/^\./gm, '..')}.\r\n`); // RFC 5321 4.5.2
    for (const _ of to) await client.reply('250');
    journal.write({ event: 'taken', token });
  }
}

async function read(load: Load, account: AccountName, opened: ImapDevice | undefined): Promise<void> {
  const reader = new Reader(load, account, opened ?? (await signIn(load.office, account)));
  for (;;) await reader.doSomething();
}

class Reader {
  readonly #load: Load;
  readonly #account: AccountName;
  readonly #session: ImapDevice;
  #selected: MailboxName | undefined;

  constructor(load: Load, account: AccountName, session: ImapDevice) {
    this.#load = load;
    this.#account = account;
    this.#session = session;
  }

  async doSomething(): Promise<void> {
    const { random, model } = this.#load;
    const mailbox = random.pick(MAILBOXES);
    if (random.chance(0.25)) return this.#append(mailbox);
    await this.#select(mailbox);
    if (mailbox === 'INBOX' || random.chance(0.1)) await this.#look(mailbox);
    const uids = model.uids(this.#account, mailbox);
    if (uids.length === 0) return this.#append(mailbox);
    if (uids.length > TIDY_ABOVE) return this.#expunge(mailbox, random.some(uids, TIDY_ABOVE));
    const some = random.some(uids, 8);
    const to = random.pick(MAILBOXES.filter((each) => each !== mailbox));
    switch (random.between(0, 4)) {
      case 0:
        return this.#copy('copy', mailbox, some, to);
      case 1:
        return this.#copy('move', mailbox, some, to);
      case 2:
        return this.#expunge(mailbox, some);
      default:
        return this.#flags(mailbox, some, random.chance(0.6), random.some(FLAGS, 2));
    }
  }

  async #select(mailbox: MailboxName): Promise<void> {
    if (this.#selected === mailbox) return;
    await this.#session.command(`SELECT ${mailbox}`);
    this.#selected = mailbox;
  }

  /** Sees what is new, and the mailbox's numbers. */
  async #look(mailbox: MailboxName): Promise<void> {
    const { model, journal } = this.#load;
    const numbers = await status(this.#session, mailbox);
    await this.#session.command('NOOP'); // now the session knows of everything that STATUS counted
    const messages = await messagesFrom(this.#session, model.seenTo(this.#account, mailbox));
    journal.write({ event: 'seen', account: this.#account, mailbox, ...numbers, messages });
  }

  async #append(mailbox: MailboxName): Promise<void> {
    const { random } = this.#load;
    const messages = Array.from({ length: random.chance(0.3) ? random.between(2, 4) : 1 }, () => ({
      token: newToken(size(random)),
      flags: random.chance(0.5) ? random.some(FLAGS, 2).sort() : [],
    }));
    const texts = messages.map(({ token, flags }) => {
      const text = messageOf(token);
      return ` (${flags.join(' ')}) {${text.length}+}\r\n${text}`; // RFC 3502
    });
    await this.#change({ kind: 'append', mailbox, messages }, `APPEND ${mailbox}${texts.join('')}`);
  }

  #flags(mailbox: MailboxName, uids: readonly number[], add: boolean, flags: readonly string[]): Promise<void> {
    const command = `UID STORE ${uids} ${add ? '+' : '-'}FLAGS (${flags.join(' ')})`;
    return this.#change({ kind: 'flags', mailbox, uids, add, flags }, command);
  }

  #copy(kind: 'copy' | 'move', mailbox: MailboxName, uids: readonly number[], to: MailboxName): Promise<void> {
    return this.#change({ kind, mailbox, uids, to }, `UID ${kind} ${uids} ${to}`);
  }

  async #expunge(mailbox: MailboxName, uids: readonly number[]): Promise<void> {
    await this.#flags(mailbox, uids, true, ['\\deleted']);
    await this.#change({ kind: 'expunge', mailbox, uids }, `UID EXPUNGE ${uids}`);
  }

  async #change(change: Change, command: string): Promise<void> {
    const { journal } = this.#load;
    journal.write({ event: 'asked', account: this.#account, change });
    const { text, untagged } = await this.#session.command(command);
    const made = /\[(?:APPENDUID|COPYUID) [^\]]* ([\d:,]+)\]/.exec([text, ...untagged].join('\n'));
    journal.write({ event: 'done', account: this.#account, uids: numbersOf(made?.[1] ?? '') });
  }
}

/** `3:5,9` (RFC 9051 9, uid-set). */
function numbersOf(set: string): number[] {
  return set
    .split(',')
    .filter((range) => range !== '')
    .flatMap((range) => {
      const [first, last = first] = range.split(':').map(Number) as [number, number?];
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

async function download({ office, journal, random }: Load): Promise<void> {
  for (;;) {
    const session = await Pop3Device.signIn(office.port('pop3'), office.address(DOWNLOADER), PASSWORD);
    try {
      const messages = [];
      for (const [index, uidl] of (await session.uidl()).entries()) {
        const header = await session.lines(`TOP ${index + 1} 0`);
        messages.push({ uidl, token: tokenOf(`${header.join('\r\n')}\r\n`) });
      }
      journal.write({ event: 'listed', account: DOWNLOADER, messages });
      const taken = messages.length === 0 ? [] : random.some([...messages.entries()], 10);
      const tokens: Token[] = [];
      for (const [index, { token }] of taken) {
        if (!isWhole(await session.retr(index + 1))) throw new Error(`${token} came with other bytes over POP3`);
        await session.dele(index + 1);
        tokens.push(token);
      }
      journal.write({ event: 'asked', account: DOWNLOADER, change: { kind: 'quit', tokens } });
      await session.quit();
      journal.write({ event: 'done', account: DOWNLOADER, uids: [] });
    } finally {
      session.close();
    }
    await setImmediate();
  }
}
