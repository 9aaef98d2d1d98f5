/** Where the person's own mail is: what became of what came for them and of what they sent. */
import { type EpochSeconds, nowSeconds } from '../../../store/ids.ts';
import type { TraceFilter } from '../../../store/trace-types.ts';
import { checkedText } from '../../../trace/checked-text.ts';
import { storiesFor } from '../../../trace/stories.ts';
import type { Story } from '../../../trace/story-types.ts';
import { field } from '../forms.ts';
import { type Html, html } from '../html.ts';
import { moment } from '../times.ts';
import type { Page, Visit } from '../visit.ts';

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
  andMore: (count: number) => `and ${count} more`,
} as const;

/** Shown at once. */
const MOST = 30;
/** Without an address all mail of the office is looked through, so not as far back. */
const LOOKED_BACK: EpochSeconds = 7 * 86_400;
const LONGEST_ADDRESS = 320;
/** Of one message; it may have a thousand. */
const MOST_ADDRESSES = 10;

export const tracePage: Page = {
  path: 'trace',
  title: TEXT.title,

  async show(visit) {
    const address = (visit.query('address') ?? '').trim().slice(0, LONGEST_ADDRESS);
    const stories = await storiesAbout(visit, address);
    return html`<h1>${TEXT.title}</h1>
      <p class="lead">${TEXT.lead}</p>
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
      ${stories.map(storyOf)}
      ${stories.length === MOST && html`<p class="hint">${TEXT.most}</p>`}`;
  },

  actions: {},
};

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

function storyOf(story: Story): Html {
  const { at, subject, sender, authors } = story;
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
  </section>`;
}

function listed(addresses: readonly string[]): string {
  const rest = addresses.length - MOST_ADDRESSES;
  return addresses.slice(0, MOST_ADDRESSES).join(', ') + (rest > 0 ? `, ${TEXT.andMore(rest)}` : '');
}

function minute(at: string): Html {
  return moment(Date.parse(at));
}

/** What happens within a minute stands under one time. */
function minuteOf(at: string): string {
  return at.slice(0, '2026-11-20T14:30'.length);
}
