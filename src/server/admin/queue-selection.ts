/** Which of those who wait in the queue an administrator means. */
import { domainToUnicode } from 'node:url';
import { z } from 'zod';
import { parseDomain } from '../../directory/address.ts';
import type { Directory } from '../../directory/directory.ts';
import type { AccountId, QueueId } from '../../store/ids.ts';
import type { Queue, QueueEntry } from '../../store/queue.ts';

const MOST_IDS = 1_000;

/** All conditions hold together; none of them: everything that waits. */
export const selection = {
  ids: z.array(z.number().int().positive()).min(1).max(MOST_IDS).optional(),
  /** Part of recipients' addresses, after the `@`; or a destination, also a route as `host:port`. */
  toDomain: z.string().min(1).optional(),
  /** A reverse path; `<>` is that of reports. */
  from: z.string().min(1).optional(),
  account: z.string().min(1).optional(),
  held: z.boolean().optional(),
};

export type Selection = z.infer<z.ZodObject<typeof selection>>;

/** True for a selection that leaves nothing out. */
export function isEverything({ ids, toDomain, from, account, held }: Selection): boolean {
  return [ids, toDomain, from, account, held].every((each) => each === undefined);
}

/**
 * Those who are meant, a page at a time, in the order in which their mail came.
 * @throws Refused `directory.missing`: no such account
 */
export async function* selected(
  { queue, directory }: { readonly queue: Queue; readonly directory: Pick<Directory, 'account'> },
  selection: Selection,
): AsyncGenerator<readonly QueueEntry[], void, void> {
  const account = selection.account === undefined ? undefined : (await directory.account(selection.account)).id;
  const fits = matcher(selection, account);
  for await (const page of selection.ids === undefined ? queue.pages() : named(queue, selection.ids)) {
    const fitting = page.filter(fits);
    if (fitting.length > 0) yield fitting;
  }
}

/** The messages with these numbers, as far as they are there. */
async function* named(queue: Queue, ids: readonly number[]): AsyncGenerator<readonly QueueEntry[], void, void> {
  for (const id of new Set(ids)) {
    const batch = await queue.message(id as QueueId);
    if (batch === undefined) continue;
    const { account, sender, created, expires, trace } = batch.message;
    const message = { id: batch.message.id, account, sender, created, expires, trace };
    yield batch.recipients.map((each) => ({ ...each, ...message }));
  }
}

function matcher({ toDomain, from, held }: Selection, account: AccountId | undefined): (entry: QueueEntry) => boolean {
  const isTo = toDomain === undefined ? () => true : destinationMatcher(toDomain.toLowerCase());
  const sender = from === '<>' ? '' : from?.toLowerCase();
  return (entry) =>
    isTo(entry) &&
    (sender === undefined || entry.sender.toLowerCase() === sender) &&
    (account === undefined || entry.account === account) &&
    (held === undefined || (entry.state === 'held') === held);
}

/** A destination as lists show it, a route as the configuration names it, or a domain of recipients, in either form of international names. */
function destinationMatcher(text: string): (entry: QueueEntry) => boolean {
  const ascii = parseDomain(text) ?? text;
  const destinations = new Set([text, ascii, `route:${text}`]);
  const ends = [...new Set([text, ascii, domainToUnicode(ascii)])]
    .filter((name) => name !== '')
    .map((name) => `@${name}`);
  return ({ destination, address }) => {
    if (destinations.has(destination)) return true;
    const lower = address.toLowerCase();
    return ends.some((end) => lower.endsWith(end));
  };
}
