/** Where the person's own mail is: what became of what came for them and of what they sent, and what of that has not left yet. */
import { z } from 'zod';
import { Refused } from '../../../errors.ts';
import type { Person, WaitingMail } from '../../../outbound/own-mail.ts';
import { type EmailId, type EpochSeconds, nowSeconds, type QueueId } from '../../../store/ids.ts';
import type { OwnPlace } from '../../../store/queue.ts';
import type { TraceFilter } from '../../../store/trace-types.ts';
import { checkedText } from '../../../trace/checked-text.ts';
import { storiesFor } from '../../../trace/stories.ts';
import type { Story } from '../../../trace/story-types.ts';
import { field } from '../forms.ts';
import { type Html, html } from '../html.ts';
import { troubleNote } from '../layout.ts';
import { moment } from '../times.ts';
import { listed as fields, type Page, type Visit } from '../visit.ts';
import { hadIt } from '../waiting/had.ts';
import { waitingActions, waitingItem } from '../waiting/list.ts';
import { question } from '../waiting/question.ts';
import { DONE, listed, QUESTION, TEXT as WAITING } from '../waiting/texts.ts';

const TEXT = {
  title: 'Where is my mail?',
  lead: 'What became of the messages that came for you, and of those that you sent.',
  search: 'Find',
  address: 'Whom it is from or to',
  addressHint: 'An address, such as carl@example.net. Leave it empty for the last days.',
  from: 'From',
  nobody: 'a mail system',
  to: 'To',
  none: 'There is nothing to tell: no such message came for you, and you sent none.',
  most: 'These are the newest. Search for an address to find others.',
} as const;

/** Shown at once. */
const MOST = 30;
/** Without an address all mail of the office is looked through, so not as far back. */
const LOOKED_BACK: EpochSeconds = 7 * 86_400;
const LONGEST_ADDRESS = 320;
/** Messages that wait, on a page of theirs. */
const MOST_WAITING = 10;

const idField = z.coerce.number().int().positive();
const idForm = z.object({ id: idField });
const takeBackForm = z.object({
  id: idField,
  recipient: z.preprocess(fields, z.array(z.coerce.number().int().nonnegative())),
  all: z.literal('on').optional(),
});

export const tracePage: Page = {
  path: 'trace',
  title: TEXT.title,

  async show(visit, trouble) {
    const [asked, place] = [visit.query('stop'), placeNamed(visit.query('before'))];
    if (asked !== undefined && trouble === null) return stopping(visit, asked);
    if (place !== undefined) return html`<h1>${TEXT.title}</h1>${await waiting(visit, place)}`;
    const address = (visit.query('address') ?? '').trim().slice(0, LONGEST_ADDRESS);
    const stories = await storiesAbout(visit, address);
    const unsent = await unsentOf(visit, stories);
    return html`<h1>${TEXT.title}</h1>
      <p class="lead">${TEXT.lead}</p>
      ${troubleNote(trouble)}
      ${address === '' && (await waiting(visit, undefined))}
      <section class="card" aria-label=${TEXT.search}>
        <form method="get" action="/settings/trace" class="fields">
          ${field({
            name: 'address',
            label: TEXT.address,
            hint: TEXT.addressHint,
            autocomplete: 'off',
            value: address,
            maxlength: LONGEST_ADDRESS,
            required: false,
          })}
          <button class="main">${TEXT.search}</button>
        </form>
      </section>
      ${stories.length === 0 && html`<p>${TEXT.none}</p>`}
      ${stories.map((story) => storyOf(visit, story, unsent))}
      ${stories.length === MOST && html`<p class="hint">${TEXT.most}</p>`}`;
  },

  actions: {
    async 'take-back'(visit) {
      const { id, recipient, all } = visit.form(takeBackForm);
      if (recipient.length === 0 && all === undefined) throw new Refused('directory.invalid', QUESTION.choice);
      const notice = await takeBack(visit, id as QueueId, all === undefined ? new Set(recipient) : undefined);
      return { kind: 'go', to: tracePage.path, notice };
    },

    async hasten(visit) {
      const { ownMail } = visit.parts;
      const id = visit.form(idForm).id as QueueId;
      const hastened = new Set(await ownMail.hasten(personOf(visit), id));
      const [mail] = await ownMail.those(visit.account.id, [id]);
      const away = (mail?.recipients ?? []).filter(({ state, address }) => state === 'away' && hastened.has(address));
      for (const { address } of away) hastened.delete(address);
      const notice = [
        ...(hastened.size > 0 ? [DONE.hastened(listed([...hastened]))] : []),
        ...(away.length > 0 ? [DONE.away(listed(away.map(({ address }) => address)))] : []),
      ].join(' ');
      return { kind: 'go', to: tracePage.path, notice: notice || DONE.notHastened };
    },
  },
};

function personOf({ account: { id, name }, actor }: Visit): Person {
  return { account: id, name, actor };
}

/** @returns what is said of it */
async function takeBack(visit: Visit, id: QueueId, numbers: ReadonlySet<number> | undefined): Promise<string> {
  try {
    const { taken, tried } = await visit.parts.ownMail.takeBack(personOf(visit), id, numbers);
    const had = await whoHad(visit, id);
    const said = [
      ...(taken.length > 0 ? [DONE.taken(listed(taken))] : []),
      ...(tried.length > 0 ? [DONE.tried(listed(tried))] : []),
      ...(had.length > 0 ? [DONE.had(listed(had))] : []),
    ];
    return said.join(' ') || DONE.left;
  } catch (error) {
    const had = error instanceof Refused && error.code === 'message.gone' ? await whoHad(visit, id) : [];
    if (had.length === 0) throw error;
    return DONE.had(listed(had)); // it left while the question was on the screen
  }
}

/** Nobody, for mail that is not theirs: to whom all it went is told to its sender alone. */
async function whoHad({ parts, account }: Visit, queue: QueueId): Promise<string[]> {
  const [story] = await storiesFor(parts, account.id, { queue }, 1);
  return story === undefined ? [] : hadIt(story);
}

/** The question before a message is taken back. @param asked  its number, as the address of the page has it */
async function stopping(visit: Visit, asked: string): Promise<Html> {
  const id = idField.safeParse(asked).data as QueueId | undefined;
  const [mail] = id === undefined ? [] : await visit.parts.ownMail.those(visit.account.id, [id]);
  if (mail !== undefined) return question(visit, mail, await whoHad(visit, mail.id));
  return html`<h1>${QUESTION.title}</h1>
    <section class="card">
      <p>${QUESTION.gone}</p>
      <p class="actions"><a class="button quiet" href="/settings/trace">${QUESTION.back}</a></p>
    </section>`;
}

/** @param before  where the last page ended; undefined: the newest */
async function waiting(visit: Visit, before: OwnPlace | undefined): Promise<Html> {
  const { mail, next } = await visit.parts.ownMail.list(visit.account.id, before, MOST_WAITING);
  const isFirst = before === undefined;
  return html`<section class="card waiting" aria-labelledby="waiting">
    <h2 id="waiting">${WAITING.title}</h2>
    ${mail.length === 0 && next === null && html`<p>${isFirst ? WAITING.none : WAITING.noneOlder}</p>`}
    ${
      mail.length > 0 &&
      html`<p class="hint">${WAITING.lead}</p><ul class="plain">${mail.map((each) => waitingItem(visit, each))}</ul>`
    }
    ${next !== null && html`<p><a href=${`/settings/trace?before=${next.email}-${next.id}`}>${WAITING.older}</a></p>`}
    ${!isFirst && html`<p><a href="/settings/trace">${WAITING.newest}</a></p>`}
  </section>`;
}

function placeNamed(text: string | undefined): OwnPlace | undefined {
  const [, email, id] = /^(\d{1,15})-(\d{1,15})$/.exec(text ?? '') ?? [];
  return email === undefined ? undefined : { email: Number(email) as EmailId, id: Number(id) as QueueId };
}

/** Of these messages those that the person sent and that have not left for everybody, by their stories. */
async function unsentOf(
  { parts, account }: Visit,
  stories: readonly Story[],
): Promise<ReadonlyMap<number, WaitingMail>> {
  const queued = stories.flatMap(({ id, events }) =>
    events.flatMap(({ kind, queue }) => (kind === 'queued' && queue !== undefined ? [{ id, queue }] : [])),
  );
  const mail = await parts.ownMail.those(
    account.id,
    queued.map(({ queue }) => queue as QueueId),
  );
  return new Map(mail.map((each) => [queued.find(({ queue }) => queue === each.id)!.id, each]));
}

/** The newest first. */
async function storiesAbout({ parts, account }: Visit, address: string): Promise<Story[]> {
  await parts.store.trace.flush(); // what was just refused or retrieved waits to be noted
  const find = (filter: Omit<TraceFilter, 'account'>) => storiesFor(parts, account.id, filter, MOST);
  if (address === '') return find({ since: nowSeconds() - LOOKED_BACK });
  const sent = await find({ to: address });
  // That somebody else had it, too, is told to its sender alone: the others may not know (Bcc).
  const own = sent.filter(({ recipients }) => recipients.length > 0);
  const found = new Map([...own, ...(await find({ from: address }))].map((story) => [story.id, story]));
  return [...found.values()].sort((a, b) => b.id - a.id).slice(0, MOST);
}

function storyOf(visit: Visit, story: Story, unsent: ReadonlyMap<number, WaitingMail>): Html {
  const { at, subject, sender, authors } = story;
  const mail = unsent.get(story.id);
  // As mail programs show it; the sender of the envelope is often a number of a newsletter.
  const from = `${TEXT.from} ${authors.join(', ') || sender || TEXT.nobody}`;
  const to = story.recipients.length > 0 && `${TEXT.to} ${listed(story.recipients)}`;
  // Recipients are told to who sent it: their own name says nothing to them.
  const title = subject || to || from;
  const facts = [subject && !to && from, subject && to, minute(at)].filter((part) => part);
  let shown = minuteOf(at);
  const events = story.events.flatMap((event) => {
    const text = event.kind === 'checked' ? checkedText(event.said ?? '') : event.text;
    if (text === undefined) return [];
    const isNew = minuteOf(event.at) !== shown;
    shown = minuteOf(event.at);
    return html`<li>${isNew && html`<p class="hint">${minute(event.at)}</p>`}${text}</li>`;
  });
  return html`<section class="card story">
    <h2>${title}</h2>
    <p class="hint">${facts.map((part) => html`<span class="line">${part}</span>`)}</p>
    <ol class="plain">${events}</ol>
    ${mail && waitingActions(visit, mail)}
  </section>`;
}

function minute(at: string): Html {
  return moment(Date.parse(at));
}

/** What happens within a minute stands under one time. */
function minuteOf(at: string): string {
  return at.slice(0, '2026-11-20T14:30'.length);
}
