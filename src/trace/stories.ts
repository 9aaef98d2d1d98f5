/**
 * Where is my mail? What became of messages, told as a story of each.
 *
 * Invariant: a person (not an administrator) hears of nobody else's mailbox but that what they sent is in it, of recipients only where they
 * are the sender, and of nobody else's forwarding where it leads.
 *
 * What a program retrieved is noted for some seconds at once, and bears the time of the first: it may stand before a message that came meanwhile.
 */
import type { Directory } from '../directory/directory.ts';
import type { AccountId, EmailId, MailboxId, Milliseconds, TraceId } from '../store/ids.ts';
import { hasNumber, parseRuns } from '../store/number-runs.ts';
import { firstTraceId, traceTime } from '../store/operations/trace.ts';
import type { MailStore } from '../store/store.ts';
import type { TraceChange, Traced, TracedCopy, TracedQueued, TraceFilter, TraceRow } from '../store/trace-types.ts';
import { type Names, tellArrival } from './arrival-words.ts';
import { tellChange, tellEvent } from './later-words.ts';
import type { Story, StoryEvent } from './story-types.ts';

interface Parts {
  readonly store: Pick<MailStore, 'trace' | 'mailboxes'>;
  readonly directory: Pick<Directory, 'accountNames'>;
}

/** More than what is retrieved waits to be noted. */
const NOTED_BEFORE: Milliseconds = 60_000;

/** Accounts whose changes are looked through for one answer. */
const MOST_ACCOUNTS = 100;

/** Stories of the messages that the filter finds, the newest first. `more`: there are others than these. */
export async function findStories(
  parts: Parts,
  filter: TraceFilter,
  most: number,
): Promise<{ readonly stories: Story[]; readonly more: boolean }> {
  const rows = await newest(parts, filter, most + 1);
  const stories = await new Teller(parts, undefined).tell(rows.slice(0, most));
  return { stories: stories.sort(newestFirst), more: rows.length > most };
}

/** What was refused is noted a little later, and so stands among what came after it. */
function newestFirst(one: Story, other: Story): number {
  return Date.parse(other.at) - Date.parse(one.at) || other.id - one.id;
}

/** What one person may know: what came for them, and what they sent. */
export async function storiesFor(
  parts: Parts,
  account: AccountId,
  filter: Omit<TraceFilter, 'account'>,
  most: number,
): Promise<Story[]> {
  const rows = await newest(parts, { ...filter, account }, most);
  return (await new Teller(parts, account).tell(rows)).sort(newestFirst);
}

async function newest({ store }: Parts, filter: TraceFilter, most: number): Promise<TraceRow[]> {
  const rows: TraceRow[] = [];
  for await (const page of store.trace.find(filter)) {
    rows.push(...page.slice(0, most - rows.length));
    if (rows.length >= most) break;
  }
  return rows;
}

/** A copy of a message, and the events of its story, to which those of the copy are added. */
interface Followed {
  readonly email: EmailId;
  /** When it came. */
  readonly came: Milliseconds;
  readonly events: StoryEvent[];
  /** Protocols and devices that have retrieved it: the first time is told. */
  readonly retrievedBy: Set<string>;
}

class Teller implements Names {
  readonly #parts: Parts;
  readonly #viewer: AccountId | undefined;
  readonly #accounts = new Map<AccountId, string>();
  readonly #folders = new Map<string, string>();

  constructor(parts: Parts, viewer: AccountId | undefined) {
    this.#parts = parts;
    this.#viewer = viewer;
  }

  account(account: AccountId): string {
    return this.#accounts.get(account) ?? 'an account that is gone';
  }

  folder(account: AccountId, mailbox: MailboxId): string {
    return this.#folders.get(`${account} ${mailbox}`) ?? 'a folder that is gone';
  }

  async tell(rows: readonly TraceRow[]): Promise<Story[]> {
    const copies = rows.map((row) => copiesOf(row).filter(({ account }) => this.#isSeen(account)));
    const people = [...new Set(copies.flat().map(({ account }) => account))];
    const followed = people.slice(0, MOST_ACCOUNTS);
    await this.#learnNames(rows, followed);
    const events = rows.map((): StoryEvent[] => []);
    for (const account of followed) {
      const mine = copies.flatMap((some, at) =>
        some
          .filter((copy) => copy.account === account)
          .map(({ email }): Followed => ({ email, came: rows[at]!.at, events: events[at]!, retrievedBy: new Set() })),
      );
      const first = rows.findLast((_, at) => copies[at]!.some((copy) => copy.account === account))!.id;
      await this.#follow(account, firstTraceId(traceTime(first) - NOTED_BEFORE), mine);
    }
    const told = new Set(followed);
    const stories: Story[] = [];
    for (const [at, row] of rows.entries()) {
      const others = new Set(copies[at]!.map(({ account }) => account)).difference(told).size;
      stories.push(await this.#story(row, events[at]!, others));
    }
    return stories;
  }

  #isSeen(account: AccountId): boolean {
    return this.#viewer === undefined || account === this.#viewer;
  }

  /** True for who may know to whom all it went. */
  #isSender({ message: { account } }: TraceRow): boolean {
    return this.#viewer === undefined || account === this.#viewer;
  }

  /** What leaves, as far as the viewer may know: what they sent themselves, and what they forward. */
  #leaving({ message }: TraceRow, isSender: boolean): readonly TracedQueued[] {
    const { queued = [] } = message;
    if (this.#viewer === undefined) return queued;
    return queued.filter((each) => {
      if (isSender && isSent(message, each)) return true;
      return each.account === this.#viewer && each.shared !== true;
    });
  }

  async #learnNames(rows: readonly TraceRow[], followed: readonly AccountId[]): Promise<void> {
    const accounts = new Set<AccountId>(followed);
    for (const { message } of rows) {
      if (message.account !== undefined) accounts.add(message.account);
      for (const { account } of [...(message.filed ?? []), ...(message.unfiled ?? [])]) accounts.add(account);
      if (message.sent !== undefined) accounts.add(message.sent.account);
    }
    for (const [id, name] of await this.#parts.directory.accountNames(accounts)) this.#accounts.set(id, name);
    for (const account of followed) {
      for (const { id, path } of await this.#parts.store.mailboxes.list(account))
        this.#folders.set(`${account} ${id}`, path);
    }
  }

  /** Looks through what was done with an account's mail since the first of these messages came. */
  async #follow(account: AccountId, since: TraceId, copies: readonly Followed[]): Promise<void> {
    // What a folder was called is known at its end: told when all is read.
    const found: (readonly [change: TraceChange, copy: Followed])[] = [];
    for await (const page of this.#parts.store.trace.changes(account, since)) {
      for (const change of page) {
        this.#learnFolder(account, change);
        const runs = parseRuns(change.emails);
        for (const copy of copies) if (hasNumber(runs, copy.email)) found.push([change, copy]);
      }
    }
    for (const [change, copy] of found) this.#note(account, change, copy);
  }

  /** What a folder was called that is not there any more. */
  #learnFolder(account: AccountId, { detail: { from, path } }: TraceChange): void {
    if (from === undefined || path === undefined) return;
    const key = `${account} ${from}`;
    if (!this.#folders.has(key)) this.#folders.set(key, path);
  }

  #note(account: AccountId, change: TraceChange, { came, events, retrievedBy }: Followed): void {
    if (change.kind === 'retrieved') {
      const { via, device } = change.by;
      if (retrievedBy.size === retrievedBy.add(`${via} ${device}`).size) return;
    }
    const told = tellChange(change, account, this);
    if (told !== undefined) events.push({ at: iso(Math.max(came, change.at)), ...told });
  }

  async #story(row: TraceRow, changes: readonly StoryEvent[], others: number): Promise<Story> {
    const { id, at, messageId, message } = row;
    const isSender = this.#isSender(row);
    const queued = this.#leaving(row, isSender);
    const elsewhere = queued.length < (message.queued ?? []).length;
    // Of what waits for room with somebody its sender hears that it does, and no more.
    const waits = (message.queued ?? []).filter((each) => each.forRoom === true && !queued.includes(each));
    const known = isSender
      ? { ...message, queued: [...queued, ...waits], elsewhere }
      : { ...message, recipients: [], queued };
    const came = tellArrival(known, this, (account) => this.#isSeen(account));
    const numbers = new Map(queued.map((each) => [each.queue, each.forRoom === true || isSent(message, each)]));
    const left = numbers.size === 0 ? [] : await this.#parts.store.trace.events(id);
    const events = [
      ...came.map((told): StoryEvent => ({ at: iso(at), ...told })),
      ...left
        .filter(({ detail }) => numbers.has(detail.queue))
        .flatMap((event) =>
          tellEvent(event, numbers.get(event.detail.queue) === true).map(
            (told): StoryEvent => ({ at: iso(event.at), ...told }),
          ),
        ),
      ...changes,
    ];
    return {
      id,
      at: iso(at),
      messageId,
      sender: message.sender,
      authors: message.authors ?? [],
      recipients: isSender ? message.recipients.map(({ address }) => address) : [],
      sizeBytes: message.sizeBytes ?? null,
      subject: message.subject ?? null,
      events: events.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)),
      others,
    };
  }
}

/** The copies in mailboxes here, the sender's among them. */
function copiesOf({ message: { filed = [], sent } }: TraceRow): Pick<TracedCopy, 'account' | 'email'>[] {
  const own = sent === undefined || sent.email === null ? [] : [{ account: sent.account, email: sent.email }];
  return [...filed, ...own];
}

/** Whoever signed in sends it there; what goes on from an address here by itself has other recipients. */
function isSent({ account, recipients }: Traced, { to, shared }: TracedQueued): boolean {
  return (
    account !== undefined && shared !== true && to.every((each) => recipients.some(({ address }) => address === each))
  );
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
