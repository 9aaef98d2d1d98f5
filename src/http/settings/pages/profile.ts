/** The name that others see. */
import { z } from 'zod';
import { formatSize } from '../../../config/units.ts';
import { fact } from '../facts.ts';
import { field, form } from '../forms.ts';
import { type Html, html } from '../html.ts';
import { troubleNote } from '../layout.ts';
import type { Page } from '../visit.ts';

const TEXT = {
  title: 'Profile',
  lead: 'Who you are for the people of your office.',
  address: 'Mail address',
  aliases: 'Also yours',
  messages: 'Messages',
  used: 'Mail on the server',
  unlimited: 'no limit',
  nearlyFull: 'Your mailbox is nearly full. Delete what you do not need, or ask your administrator for more room.',
  name: 'Name',
  nameHint: 'Mail programs that set themselves up write it on what you send.',
  button: 'Save',
  done: 'Your name is saved.',
} as const;

const NEARLY_FULL = 0.9;

const nameForm = z.object({ name: z.string() });

export const profilePage: Page = {
  path: 'profile',
  title: TEXT.title,

  async show(visit, trouble) {
    const { aliases, messages, usedBytes, quota } = await visit.parts.directory.accountPage(visit.account.name);
    const addresses = aliases.map((address) => html`<span class="line">${address}</span>`);
    const elsewhere = await visit.parts.directory.changedElsewhere(visit.account.name, 'the name');
    return html`<h1>${TEXT.title}</h1>
      <p class="lead">${TEXT.lead}</p>
      <section class="card">
        <dl class="facts">
          ${fact(TEXT.address, visit.account.name)} ${aliases.length > 0 && fact(TEXT.aliases, addresses)}
          ${fact(TEXT.messages, messages.toLocaleString('en-GB'))} ${fact(TEXT.used, room(usedBytes, quota.quotaBytes))}
        </dl>
      </section>
      <section class="card">
        ${troubleNote(trouble ?? elsewhere)}
        ${
          elsewhere === null &&
          form({
            visit,
            action: '/settings/profile/name',
            button: TEXT.button,
            children: field({
              name: 'name',
              label: TEXT.name,
              hint: TEXT.nameHint,
              autocomplete: 'name',
              value: visit.account.displayName,
              required: false,
            }),
          })
        }
      </section>`;
  },

  actions: {
    async name(visit) {
      await visit.changes.accounts.setDisplayName(visit.account.name, visit.form(nameForm).name);
      return { kind: 'go', to: profilePage.path, notice: TEXT.done };
    },
  },
};

/** How much of the mailbox is used. */
function room(used: number, quota: number | null): Html {
  if (quota === null) return `${formatSize(used)}, ${TEXT.unlimited}`;
  const full = used / quota;
  return html`<span class="line">${formatSize(used)} of ${formatSize(quota)}</span>
    <meter min="0" max="1" high=${NEARLY_FULL} optimum="0" value=${Math.min(1, full)} aria-label=${TEXT.used}></meter>
    ${full >= NEARLY_FULL && html`<span class="line hint">${TEXT.nearlyFull}</span>`}`;
}
