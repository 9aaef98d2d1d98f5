/**
 * FETCH and UID FETCH (RFC 9051 6.4.5, 7.5.2).
 *
 * Invariants:
 * - messages are answered in ascending order, each in one untagged response (changes of \Seen follow in their own);
 * - memory is bounded by a page of records and what the store reads ahead, whatever is asked for: the client's reading
 *   sets the pace, and the event loop is given up every few milliseconds;
 * - what can't be given (gone, damaged) never keeps the others back: the command ends NO and says so.
 */
import { Refused } from '../../errors.ts';
import { Pace } from '../../pace.ts';
import type { MailboxView } from '../../store/api.ts';
import { PAGE_ROWS } from '../../store/engine/engine.ts';
import { SEEN } from '../../store/flags.ts';
import type { EmailId, Modseq, Uid } from '../../store/ids.ts';
import type { BodyRecord, EmailRecord } from '../../store/types.ts';
import { type Command, type Completion, no, ok, selected } from '../command.ts';
import { ConnectionEnded } from '../command-input.ts';
import { enableCondstore } from '../condstore.ts';
import { ResponseBroken, writeContent } from '../fetch-content.ts';
import { FetchOutput } from '../fetch-output.ts';
import { type ContentItem, dataText, type FetchPlan, planFetch } from '../fetch-plan.ts';
import { MessageBytes } from '../message-bytes.ts';
import { bySequence, byUid } from '../message-numbers.ts';
import { responseCode, responseText } from '../responses.ts';
import type { ImapSession } from '../session.ts';
import { fetchRequest } from '../syntax/fetch.ts';
import type { NumberSet } from '../syntax/number-set.ts';
import type { FetchRequest } from '../syntax/types.ts';

export const fetch: Command<FetchRequest> = {
  name: 'FETCH',
  states: selected,
  holdsRemovals: true,
  syntax: fetchRequest,
  run: (request, session) => new Fetch(session, request, false).run(bySequence(request.set, session.mailbox)),
};

export const uidFetch: Command<FetchRequest> = {
  name: 'UID FETCH',
  states: selected,
  syntax: fetchRequest,
  run: (request, session) => new Fetch(session, request, true).run(byUid(request.set, session.mailbox)),
};

/** One FETCH on its way. */
class Fetch {
  readonly #session: ImapSession;
  readonly #view: MailboxView;
  readonly #plan: FetchPlan;
  readonly #changedSince: Modseq | null;
  readonly #isUid: boolean;
  readonly #out: FetchOutput;
  readonly #pace = new Pace();
  /** More than headers is asked for: who has it has the message. */
  readonly #readsBody: boolean;
  /** Messages that were delivered and become \Seen by it. */
  readonly #seen: Uid[] = [];
  #gone = false;
  #refused: Refused | null = null;

  constructor(session: ImapSession, request: FetchRequest, isUid: boolean) {
    const { changedSince, items } = request;
    if (changedSince !== null || items.some(({ item }) => item === 'MODSEQ')) enableCondstore(session);
    this.#session = session;
    this.#view = session.mailbox.view;
    this.#plan = planFetch(request, isUid, changedSince !== null);
    this.#readsBody = this.#plan.content.some(isOfBody);
    this.#changedSince = changedSince;
    this.#isUid = isUid;
    this.#out = new FetchOutput(session.connection);
  }

  async run(messages: NumberSet): Promise<Completion> {
    try {
      for (const page of this.#pages(messages)) {
        if (this.#plan.reads === 'nothing') this.#writeData(page);
        else await this.#writePage(page);
        await this.#breathe();
      }
      this.#out.write();
    } catch (error) {
      if (!(error instanceof ResponseBroken)) throw error;
      // Nothing true can follow an unfinished response.
      this.#session.context.onInternalError('FETCH of a message', error);
      this.#session.connection.destroy();
      throw new ConnectionEnded();
    }
    await this.#markSeen();
    return this.#completion();
  }

  /** Indexes of the messages, some at a time. */
  *#pages({ bounds }: NumberSet): Generator<number[]> {
    const view = this.#view;
    const since = this.#changedSince;
    let page: number[] = [];
    for (let i = 0; i < bounds.length; i += 2) {
      for (let index = bounds[i]! - 1; index < bounds[i + 1]!; index++) {
        if (since !== null && view.modseqOf(index) <= since) continue; // RFC 7162 3.1.4.1
        page.push(index);
        if (page.length === PAGE_ROWS) {
          yield page;
          page = [];
        }
      }
    }
    if (page.length > 0) yield page;
  }

  /** Everything asked for stands in the view. */
  #writeData(page: readonly number[]): void {
    const { data } = this.#plan;
    const { recent } = this.#session.mailbox;
    let text = '';
    for (const index of page) {
      text += `* ${index + 1} FETCH (${dataText(data, this.#view, index, null, recent)})\r\n`;
    }
    this.#out.text(text);
  }

  async #writePage(page: readonly number[]): Promise<void> {
    const { data, reads } = this.#plan;
    const { store, accountId } = this.#session;
    const emails = page.map((index) => this.#view.email(index));
    if (reads === 'bytes') {
      const bodies = this.#found(page, await store.bodyRecords(accountId, emails));
      return this.#writeContents(bodies.map(({ index, record }) => ({ index, record: null, body: record })));
    }
    const found = this.#found(page, await store.emails(accountId, emails));
    if (reads === 'record and bytes') {
      return this.#writeContents(found.map(({ index, record }) => ({ index, record, body: record })));
    }
    const { recent } = this.#session.mailbox;
    let text = '';
    for (const { index, record } of found) {
      text += `* ${index + 1} FETCH (${dataText(data, this.#view, index, record, recent)})\r\n`;
    }
    this.#out.text(text);
  }

  /** A page's messages with what was read of them; those that are gone are left out and noted. */
  #found<T extends BodyRecord>(page: readonly number[], records: readonly T[]): Found<T>[] {
    const view = this.#view;
    if (records.length === page.length) return page.map((index, at) => ({ index, record: records[at]! }));
    this.#gone = true;
    const byEmail = new Map(records.map((record) => [record.email, record]));
    const found: Found<T>[] = [];
    for (const index of page) {
      const record = byEmail.get(view.email(index));
      if (record !== undefined) found.push({ index, record });
    }
    return found;
  }

  async #writeContents(found: readonly Content[]): Promise<void> {
    const { store, accountId } = this.#session;
    const bodies = store.bodies.many(
      accountId,
      found.map((each) => each.body),
    );
    const retrieved: EmailId[] = [];
    let at = 0;
    for await (const bytes of bodies) {
      const { index, record, body } = found[at++]!;
      if (bytes instanceof Refused) {
        this.#note(bytes);
        continue;
      }
      const message = new MessageBytes(body, bytes, (from, to) =>
        store.bodies.chunks(accountId, body.email, body.body, { from, to, reuse: true }),
      );
      await this.#writeMessage(index, record, message);
      retrieved.push(body.email);
      await this.#breathe();
    }
    if (this.#readsBody) store.trace.retrieved(accountId, this.#session.by, retrieved);
  }

  async #writeMessage(index: number, record: EmailRecord | null, message: MessageBytes): Promise<void> {
    const out = this.#out;
    const { data, content, marksSeen } = this.#plan;
    out.text(`* ${index + 1} FETCH (`);
    if (data.length > 0) {
      out.text(`${dataText(data, this.#view, index, record, this.#session.mailbox.recent)} `);
    }
    let first = true;
    for (const item of content) {
      if (!first) out.text(' ');
      first = false;
      await this.#writeItem(message, item);
    }
    out.text(')\r\n');
    if (marksSeen && this.#mayBeUnseen(index)) this.#seen.push(this.#view.uid(index));
  }

  /** What the view says, unless somebody has changed the mailbox since it was taken: then the store finds out. */
  #mayBeUnseen(index: number): boolean {
    return (this.#view.flagBits(index) & SEEN) === 0 || this.#session.mailbox.changed;
  }

  async #writeItem(message: MessageBytes, item: ContentItem): Promise<void> {
    try {
      const waiting = writeContent(this.#out, message, item);
      const refused = waiting === undefined ? undefined : await waiting;
      if (refused !== undefined) this.#note(refused);
    } catch (error) {
      if (error instanceof ConnectionEnded || error instanceof ResponseBroken) throw error;
      if (!(error instanceof Refused)) throw new ResponseBroken('an item could not be given', { cause: error });
      this.#note(error);
      this.#out.text(`${item.label} ${item.item === 'BINARY.SIZE' ? '0' : 'NIL'}`);
    }
  }

  #note(refused: Refused): void {
    if (refused.code === 'message.gone') this.#gone = true;
    else this.#refused = refused;
  }

  async #breathe(): Promise<void> {
    const room = this.#out.room();
    if (room !== undefined) await room;
    const pause = this.#pace.pause();
    if (pause !== undefined) {
      this.#out.write();
      await pause;
    }
  }

  /** The session tells of the changed flags before the tagged response (RFC 9051 6.4.5: they are part of FETCH's responses). */
  async #markSeen(): Promise<void> {
    const { mailbox, store } = this.#session;
    if (this.#seen.length === 0 || mailbox.readOnly) return;
    await store.messages.storeFlags(mailbox.key, this.#seen, { how: 'add', flags: { bits: SEEN, keywords: [] } });
    mailbox.changed = true;
  }

  #completion(): Completion {
    if (this.#refused !== null)
      return no(responseText(this.#refused.message, this.#session.rev2), responseCode(this.#refused));
    // RFC 2180 4.1; a UID that is gone is no error (RFC 9051 6.4.9).
    if (this.#gone && !this.#isUid) return no('Some of the messages no longer exist', 'EXPUNGEISSUED');
    return ok('FETCH completed');
  }
}

function isOfBody(item: ContentItem): boolean {
  if (item.item !== 'SECTION') return item.item === 'BINARY';
  const { part, text } = item.section;
  return text.kind === 'all' || text.kind === 'text' || (part.length > 0 && text.kind !== 'mime');
}

interface Found<T> {
  readonly index: number;
  readonly record: T;
}

/** A message whose bytes are asked for; its record, too, only where an item needs that. */
interface Content extends Found<EmailRecord | null> {
  readonly body: BodyRecord;
}
