/**
 * SEARCH and UID SEARCH (RFC 9051 6.4.4, RFC 4731, RFC 5182): exact, by reading the messages themselves.
 *
 * Bodies are read in the order of the mailbox with what the store reads ahead; the event loop is given up every few
 * milliseconds, and the search ends when its connection does.
 */
import { Refused } from '../../errors.ts';
import { Pace } from '../../pace.ts';
import type { MailboxView } from '../../store/api.ts';
import { PAGE_ROWS } from '../../store/engine/engine.ts';
import { nowSeconds } from '../../store/ids.ts';
import type { EmailRecord } from '../../store/types.ts';
import { type Command, type Completion, no, ok, selected } from '../command.ts';
import { ConnectionEnded } from '../command-input.ts';
import { enableCondstore } from '../condstore.ts';
import { MessageBytes } from '../message-bytes.ts';
import { uidsOf } from '../message-numbers.ts';
import { asksFor, type Criteria, type Evidence, searchCriteria } from '../search-criteria.ts';
import { esearchResponse, type Found, narrowed, searchResponse } from '../search-results.ts';
import { findText, readHeader } from '../search-text.ts';
import type { ImapSession } from '../session.ts';
import { NumberSet } from '../syntax/number-set.ts';
import { searchRequest } from '../syntax/search.ts';
import type { SearchRequest, SearchReturn } from '../syntax/types.ts';
import { TextFinder } from '../text-finder.ts';
import { reportChanges, writeLines } from '../updates.ts';

export const search: Command<SearchRequest> = {
  name: 'SEARCH',
  states: selected,
  holdsRemovals: true,
  syntax: searchRequest,
  run: (request, session) => answer(session, request, false),
};

export const uidSearch: Command<SearchRequest> = {
  name: 'UID SEARCH',
  states: selected,
  syntax: searchRequest,
  run: (request, session) => answer(session, request, true),
};

const ALL: SearchReturn = { min: false, max: false, count: false, all: true, save: false };

async function answer(session: ImapSession, request: SearchRequest, asUids: boolean): Promise<Completion> {
  // What others changed before is told first and searched; removals wait, since criteria may count (RFC 9051 7.5.1).
  if (session.mailbox.changed) await reportChanges(session, true);
  if (session.selected === null) return no('The mailbox was deleted');
  const { mailbox } = session;
  const { view } = mailbox;
  const withModseq = asksFor('modseq', request.key);
  if (withModseq) enableCondstore(session);
  // IMAP4rev2 knows only ESEARCH (RFC 9051 6.4.4).
  const returns = request.returns ?? (session.rev2 ? ALL : null);
  const saves = returns?.save ?? false;
  const scope = { view, saved: mailbox.saved, recent: mailbox.recent };
  if (saves) mailbox.saved = NumberSet.EMPTY; // what a search that fails leaves (RFC 5182 2.1)
  const criteria = searchCriteria(request, scope, nowSeconds());

  const looking = new Search(session, view, criteria);
  const messages = await looking.run();
  const found: Found = { view, messages, asUids, withModseq };
  if (returns === null) {
    await writeLines(session, searchResponse(found));
  } else {
    if (saves) mailbox.saved = NumberSet.ascending(uidsOf(narrowed(messages, returns), view));
    const response = esearchResponse(found, session.tag, returns);
    if (response !== null) session.write(response);
  }
  return ok(looking.unread ? 'SEARCH completed, but a message could not be read' : 'SEARCH completed');
}

/** One search on its way through a mailbox. */
class Search {
  /** A message could not be read, so it was taken for one that does not match. */
  unread = false;
  readonly #session: ImapSession;
  readonly #criteria: Criteria;
  readonly #evidence: Evidence;
  readonly #pace = new Pace();

  constructor(session: ImapSession, view: MailboxView, criteria: Criteria) {
    this.#session = session;
    this.#criteria = criteria;
    this.#evidence = { view, index: 0, record: null, header: null, text: null };
  }

  /** @returns the sequence numbers of the messages that match */
  async run(): Promise<NumberSet> {
    const sure: number[] = [];
    const open: number[] = [];
    const { length } = this.#evidence.view;
    for (let index = 0; index < length; index++) {
      const verdict = this.#judge(index, null);
      if (verdict === true) sure.push(index + 1);
      else if (verdict === undefined) open.push(index);
      const pause = this.#pace.pause();
      if (pause !== undefined) await this.#breathe(pause);
    }
    const more: number[] = [];
    for (let at = 0; at < open.length; at += PAGE_ROWS) {
      for (const index of await this.#readPage(open.slice(at, at + PAGE_ROWS))) more.push(index + 1);
    }
    return NumberSet.ascending(sure).union(NumberSet.ascending(more));
  }

  #judge(index: number, record: EmailRecord | null): boolean | undefined {
    const evidence = this.#evidence;
    evidence.index = index;
    evidence.record = record;
    evidence.header = null;
    evidence.text = null;
    return this.#criteria.judge(evidence);
  }

  /** Judges messages by their records and, where that is not enough, by their bytes. @returns the indexes that match, ascending */
  async #readPage(page: readonly number[]): Promise<number[]> {
    const { store, accountId } = this.#session;
    const { view } = this.#evidence;
    const records = await store.emails(
      accountId,
      page.map((index) => view.email(index)),
    );
    const byEmail = new Map(records.map((record) => [record.email, record]));
    const matching: number[] = [];
    const open: { readonly index: number; readonly record: EmailRecord }[] = [];
    for (const index of page) {
      const record = byEmail.get(view.email(index));
      if (record === undefined) continue; // gone meanwhile: matches nothing
      const verdict = this.#judge(index, record);
      if (verdict === true) matching.push(index);
      else if (verdict === undefined) open.push({ index, record });
    }
    if (open.length === 0) return matching;
    let at = 0;
    for await (const body of store.bodies.many(
      accountId,
      open.map(({ record }) => record),
    )) {
      const { index, record } = open[at++]!;
      if (await this.#matches(index, record, body)) matching.push(index);
      const pause = this.#pace.pause();
      if (pause !== undefined) await this.#breathe(pause);
    }
    return matching.sort((a, b) => a - b);
  }

  /** Judges a message by its header and, where that is not enough, by its text. */
  async #matches(index: number, record: EmailRecord, body: Buffer | null | Refused): Promise<boolean> {
    const { store, accountId } = this.#session;
    try {
      if (body instanceof Refused) throw body;
      const message = new MessageBytes(record, body, (from, to) =>
        store.bodies.chunks(accountId, record.email, record.body, { from, to }),
      );
      this.#judge(index, record);
      this.#evidence.header = await readHeader(message);
      const verdict = this.#criteria.judge(this.#evidence);
      if (verdict !== undefined) return verdict;
      const finder = new TextFinder(this.#criteria.needles);
      await findText(message, finder, this.#pace);
      this.#evidence.text = finder;
      return this.#criteria.judge(this.#evidence) === true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.code !== 'message.gone') this.unread = true;
      return false;
    }
  }

  async #breathe(pause: Promise<void>): Promise<void> {
    await pause;
    if (this.#session.connection.closed) throw new ConnectionEnded();
  }
}
