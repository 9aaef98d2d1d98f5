/** Where the person's own mail is: what became of what came for them and of what they sent. */
import { type EpochSeconds, nowSeconds } from '../../../store/ids.ts';
import type { TraceFilter } from '../../../store/trace-types.ts';
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
  none: 'There is nothing to tell.',
  most: 'These are the newest. Search for an address to find others.',
} as const;

/** Shown at once. */
const MOST = 30;
/** Without an address all mail of the office is looked through, so not as far back. */
const LOOKED_BACK: EpochSeconds = 7 * 86_400;
const LONGEST_ADDRESS = 320;

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

function storyOf({ at, sender, recipients, subject, events }: Story): Html {
  const from = `${TEXT.from} ${sender || TEXT.nobody}`;
  return html`<section class="card story">
    <h2>${subject || from}</h2>
    <p class="hint">${[
      subject && from,
      recipients.length > 0 && `${TEXT.to} ${recipients.join(', ')}`,
      moment(Date.parse(at)),
    ]
      .filter((part) => part)
      .map((part) => html`<span class="line">${part}</span>`)}</p>
    <ol class="plain">${events.map(({ at, text }) => html`<li><p class="hint">${moment(Date.parse(at))}</p>${text}</li>`)}</ol>
  </section>`;
}
