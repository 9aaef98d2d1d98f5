/** Mail on its way to other servers: looking at what waits. What is done with it is in queue-change.ts. */
import { z } from 'zod';
import { Refused } from '../../errors.ts';
import type { EpochSeconds, QueueId } from '../../store/ids.ts';
import type { DestinationCount, QueueEntry } from '../../store/queue.ts';
import type { Office } from '../office.ts';
import { action } from './action.ts';
import { isEverything, type Selection, selected, selection } from './queue-selection.ts';

/** Destinations that are listed; one more or less is of no interest behind so many. */
const MOST_DESTINATIONS = 100;
export const MOST_LISTED = 10_000;

export interface QueueListed {
  /** All that waits. */
  readonly messages: number;
  readonly recipients: number;
  readonly oldest: string | null;
  /** What should have left and has waited for longest; null: nothing waits but what is held, for later, or for room in a mailbox here. */
  readonly longest: { readonly since: string; readonly destination: string } | null;
  /** Recipients that fit the selection. */
  readonly found: number;
  /** Those for which most wait, of what fits. */
  readonly destinations: readonly DestinationShown[];
  /** The longest waiting first, at most as many as were asked for. */
  readonly entries: readonly QueueEntryShown[];
}

/** Times as in ISO 8601. */
export interface DestinationShown {
  readonly destination: string;
  readonly recipients: number;
  readonly held: number;
  readonly oldest: string | null;
  /** When it is tried next; null: all that waits for it is held. */
  readonly next: string | null;
  /** How often in a row it was not reached. */
  readonly failures: number;
}

export interface QueueEntryShown {
  readonly id: number;
  readonly created: string;
  readonly expires: string;
  /** Empty: a report, which nobody answers. */
  readonly sender: string;
  /** Whose mail it is. */
  readonly account: string;
  readonly recipient: string;
  readonly destination: string;
  readonly state: 'waiting' | 'held';
  readonly priority: string;
  /** When it is tried next; null while it is held. */
  readonly next: string | null;
  /** Its destination was not reached: it is tried when the destination is. */
  readonly putOff: boolean;
  readonly attempts: number;
  /** What the last attempt came to; empty before the first. */
  readonly reply: string;
}

export interface QueuedShown {
  readonly id: number;
  readonly sender: string;
  readonly account: string;
  readonly created: string;
  /** When it is given up. */
  readonly expires: string;
  /** The sender hears then that it takes long; null: never, or told. */
  readonly warn: string | null;
  readonly messageId: string | null;
  readonly sizeBytes: number;
  readonly requireTls: boolean;
  /** The mailbox of the account is full: it waits for room there. */
  readonly forRoom: boolean;
  readonly recipients: readonly QueueEntryShown[];
}

export const listQueue = action({
  name: 'queue.list',
  input: z.strictObject({ ...selection, most: z.number().int().min(0).max(MOST_LISTED) }),
  async run(office, { most, ...which }): Promise<QueueListed> {
    const { queue } = office.store;
    const size = await queue.size();
    const { found, counts, entries } = isEverything(which)
      ? {
          found: size.recipients,
          counts: await queue.byDestination(MOST_DESTINATIONS),
          entries: await firstOf(office, most),
        }
      : await survey(office, which, most);
    const states = await queue.destinations(counts);
    return {
      ...size,
      oldest: iso(size.oldest),
      longest: size.longest && { ...size.longest, since: iso(size.longest.since)! },
      found,
      destinations: counts.map(({ destination, recipients, held }, at) => {
        const { due, failures, oldest } = states[at]!;
        return { destination, recipients, held, oldest: iso(oldest), next: iso(due), failures };
      }),
      entries: await shown(office, entries),
    };
  },
});

export const showQueued = action({
  name: 'queue.show',
  input: z.strictObject({ id: z.number().int().positive() }),
  async run(office, { id }): Promise<QueuedShown> {
    const { store } = office;
    const batch = await store.queue.message(id as QueueId);
    if (batch === undefined) {
      throw new Refused(
        'directory.missing',
        `No message ${id} is in the queue: it has left, or there never was one. rainmail trace --queue ${id} tells what became of it.`,
      );
    }
    const { message, recipients } = batch;
    const { account, sender, created, expires, trace, email } = message;
    const entries = recipients.map((each) => ({ ...each, id: message.id, account, sender, created, expires, trace }));
    const [record] = await store.emails(account, [email]);
    const [name = '', listed] = [
      (await office.directory.accountNames([account])).get(account),
      await shown(office, entries),
    ];
    return {
      id,
      sender,
      account: name,
      created: iso(created)!,
      expires: iso(expires)!,
      warn: message.warn === 0 ? null : iso(message.warn),
      messageId: record?.analysis.messageId ?? null,
      sizeBytes: message.prefix.length + (record?.body.length ?? 0),
      requireTls: message.options.requireTls ?? false,
      forRoom: message.options.forRoom !== undefined,
      recipients: listed,
    };
  },
});

/** The longest waiting, whoever they are. */
async function firstOf({ store }: Office, most: number): Promise<QueueEntry[]> {
  const entries: QueueEntry[] = [];
  if (most === 0) return entries;
  for await (const page of store.queue.pages()) {
    entries.push(...page.slice(0, most - entries.length));
    if (entries.length >= most) break;
  }
  return entries;
}

/** Looks through all that waits, a page at a time. */
async function survey({ store: { queue }, directory }: Office, which: Selection, most: number) {
  const byDestination = new Map<string, { -readonly [Key in keyof DestinationCount]: DestinationCount[Key] }>();
  const entries: QueueEntry[] = [];
  let found = 0;
  for await (const page of selected({ queue, directory }, which)) {
    found += page.length;
    if (entries.length < most) entries.push(...page.slice(0, most - entries.length));
    for (const { destination, state, id } of page) {
      let count = byDestination.get(destination);
      if (count === undefined) {
        count = { destination, recipients: 0, held: 0, first: id };
        byDestination.set(destination, count);
      }
      count.recipients++;
      if (state === 'held') count.held++;
    }
  }
  const counts = [...byDestination.values()].sort((a, b) => b.recipients - a.recipients).slice(0, MOST_DESTINATIONS);
  return { found, counts, entries };
}

async function shown({ directory, store }: Office, entries: readonly QueueEntry[]): Promise<QueueEntryShown[]> {
  const names = await directory.accountNames(new Set(entries.map(({ account }) => account)));
  const ways = new Map(
    entries.map(({ destination, id }) => [destination, { destination, first: id, recipients: 0, held: 0 }]),
  );
  const states = await store.queue.destinations([...ways.values()]);
  const dues = new Map([...ways.keys()].map((destination, at) => [destination, states[at]!.due]));
  return entries.map((entry) => entryShown(entry, names.get(entry.account) ?? '', dues.get(entry.destination) ?? null));
}

/** @param due  when its destination is tried next */
function entryShown(entry: QueueEntry, account: string, due: EpochSeconds | null): QueueEntryShown {
  const { id, created, expires, sender, address, destination, state, priority, attempts, reply } = entry;
  const isHeld = state === 'held';
  return {
    id,
    created: iso(created)!,
    expires: iso(expires)!,
    sender,
    account,
    recipient: address,
    destination,
    state,
    priority,
    next: isHeld ? null : iso(Math.max(entry.due, due ?? 0) as EpochSeconds),
    putOff: !isHeld && due !== null && due > entry.due,
    attempts,
    reply,
  };
}

function iso(seconds: EpochSeconds | null): string | null {
  return seconds === null ? null : new Date(seconds * 1_000).toISOString();
}
