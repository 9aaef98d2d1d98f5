/** What must hold for every client that fetches mail over POP3 and keeps account of what it has. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrialOffice } from '../helpers/office.ts';
import { deliverMany, type Ended, numbered } from './client.ts';
import { subjectOf, withLf } from './maildir.ts';
import { assertSameMessages, ODD_MESSAGES, withoutTrace } from './odd-messages.ts';

export interface Fetch {
  /** Mail stays in the office. */
  readonly keep: boolean;
  readonly tls: 'implicit' | 'STLS' | 'none';
  /** Where to connect to; the office's own port otherwise. */
  readonly port?: number;
}

export interface Fetcher {
  fetch(how: Fetch): Promise<void>;
  /** As {@link fetch}, whatever comes of it. */
  attempt(how: Fetch): Promise<Ended>;
  /** All that it has fetched, in any order. */
  received(): Promise<string[]>;
}

/** Where the office offers POP3 in this way. */
export function pop3Port(office: TrialOffice, tls: Fetch['tls']): number {
  return office.port(tls === 'implicit' ? 'pop3s' : 'pop3');
}

async function subjects(fetcher: Fetcher): Promise<string[]> {
  return (await fetcher.received()).map(subjectOf).sort();
}

/** Keeps mail in the office; fetches across restarts and while mail comes in: nothing twice, nothing lost. */
export async function fetchAndKeep(office: TrialOffice, fetcher: Fetcher): Promise<void> {
  await deliverMany(office, 'anna', 30);
  await fetcher.fetch({ keep: true, tls: 'implicit' });
  assert.deepEqual(await subjects(fetcher), numbered(30));
  await fetcher.fetch({ keep: true, tls: 'STLS' });
  assert.deepEqual(await subjects(fetcher), numbered(30));

  await office.restart();
  await Promise.all([deliverMany(office, 'anna', 20, 'Late'), fetcher.fetch({ keep: true, tls: 'none' })]);
  await fetcher.fetch({ keep: true, tls: 'none' });
  assert.deepEqual(await subjects(fetcher), [...numbered(20, 'Late'), ...numbered(30)].sort());

  const [phone] = office.devices('anna', ['phone']);
  assert.equal((await phone.imap((session) => session.uids())).length, 50);
}

/** Takes mail out of the office, also while more comes in: nothing twice, nothing lost, nothing left. */
export async function fetchAndDelete(office: TrialOffice, fetcher: Fetcher): Promise<void> {
  await deliverMany(office, 'anna', 30);
  await Promise.all([deliverMany(office, 'anna', 20, 'Late'), fetcher.fetch({ keep: false, tls: 'implicit' })]);
  await office.restart();
  await fetcher.fetch({ keep: false, tls: 'STLS' });
  await fetcher.fetch({ keep: false, tls: 'none' });
  assert.deepEqual(await subjects(fetcher), [...numbered(20, 'Late'), ...numbered(30)].sort());

  const [phone] = office.devices('anna', ['phone']);
  assert.deepEqual(await phone.imap((session) => session.uids()), []);
}

/**
 * Fetches messages that are unlike most, and compares every byte.
 * @param asKept what the client makes of a message, with LF, on purpose
 */
export async function fetchOddMessages(
  office: TrialOffice,
  fetcher: Fetcher,
  asKept: (content: string) => string = (content) => content,
): Promise<void> {
  for (const raw of ODD_MESSAGES) await office.deliver({ to: 'anna', raw: Buffer.from(raw, 'latin1') });
  await fetcher.fetch({ keep: false, tls: 'implicit' });
  assertSameMessages(
    (await fetcher.received()).map(withoutTrace),
    ODD_MESSAGES.map((content) => asKept(withLf(content))),
  );
}

/** Many clients give a message that has only a header its blank line. */
export function withBlankLine(content: string): string {
  return content.includes('\n\n') ? content : `${content}\n`;
}

/** The content of every file in a folder, a character for each byte. */
export async function filesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return Promise.all(names.map((name) => readFile(join(folder, name), 'latin1')));
}
