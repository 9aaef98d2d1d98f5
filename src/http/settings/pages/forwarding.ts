/** Where one's mail goes on to. */
import { z } from 'zod';
import type { Forwarding } from '../../../directory/types.ts';
import { Refused } from '../../../errors.ts';
import { fact } from '../facts.ts';
import { checkbox, field, form } from '../forms.ts';
import { type Html, html } from '../html.ts';
import { troubleNote } from '../layout.ts';
import type { Page, Visit } from '../visit.ts';

const TEXT = {
  title: 'Forwarding',
  lead: 'Your mail can go on to other addresses, here or elsewhere.',
  now: 'Now',
  goesTo: 'Goes on to',
  nowhere: 'nowhere: it stays here',
  copy: 'A copy stays here',
  yes: 'yes',
  no: 'no',
  notAllowed: 'Your administrator has not opened forwarding to you. Ask there to have it changed.',
  change: 'Change it',
  addresses: 'Addresses',
  addressesHint: 'One or several, with commas between them.',
  keep: 'Keep a copy here, for your mail programs',
  button: 'Forward my mail',
  end: 'End the forwarding',
  set: 'Your mail is forwarded from now on.',
  ended: 'Your mail stays here from now on.',
} as const;

const setForm = z.object({ to: z.string().max(10_000), keep: z.literal('on').optional() });

export const forwardingPage: Page = {
  path: 'forwarding',
  title: TEXT.title,

  async show(visit, trouble) {
    const forwarding = await visit.parts.directory.ways.forwarding(visit.account.name);
    return html`<h1>${TEXT.title}</h1>
      <p class="lead">${TEXT.lead}</p>
      <section class="card" aria-labelledby="now">
        <h2 id="now">${TEXT.now}</h2>
        <dl class="facts">
          ${fact(TEXT.goesTo, forwarding === null ? TEXT.nowhere : forwarding.to.map((to) => html`<span class="line">${to}</span>`))}
          ${forwarding !== null && fact(TEXT.copy, forwarding.keeps ? TEXT.yes : TEXT.no)}
        </dl>
        ${
          forwarding !== null &&
          visit.access.forward &&
          form({ visit, action: '/settings/forwarding/end', button: TEXT.end, look: 'danger' })
        }
      </section>
      ${visit.access.forward ? change(visit, forwarding, trouble) : html`<p>${TEXT.notAllowed}</p>`}`;
  },

  actions: {
    async set(visit) {
      requireAllowed(visit);
      const { to, keep } = visit.form(setForm);
      const addresses = to.split(/[\s,;]+/).filter((address) => address !== '');
      await visit.changes.forwarding.set(visit.account.name, addresses, { keeps: keep !== undefined });
      return { kind: 'go', to: forwardingPage.path, notice: TEXT.set };
    },

    async end(visit) {
      requireAllowed(visit);
      await visit.changes.forwarding.remove(visit.account.name);
      return { kind: 'go', to: forwardingPage.path, notice: TEXT.ended };
    },
  },
};

function change(visit: Visit, forwarding: Forwarding | null, trouble: string | null): Html {
  // What was refused is there again, to be mended.
  const typed = visit.form(setForm.partial());
  return html`<section class="card" aria-labelledby="change">
    <h2 id="change">${TEXT.change}</h2>
    ${troubleNote(trouble)}
    ${form({
      visit,
      action: '/settings/forwarding/set',
      button: TEXT.button,
      children: [
        field({
          name: 'to',
          label: TEXT.addresses,
          hint: TEXT.addressesHint,
          autocomplete: 'off',
          value: typed.to ?? forwarding?.to.join(', ') ?? '',
        }),
        checkbox({
          name: 'keep',
          value: 'on',
          label: TEXT.keep,
          checked: typed.to === undefined ? (forwarding?.keeps ?? true) : typed.keep !== undefined,
        }),
      ],
    })}
  </section>`;
}

/** @throws Refused `auth.not-allowed` */
function requireAllowed({ access }: Visit): void {
  if (!access.forward) throw new Refused('auth.not-allowed', TEXT.notAllowed);
}
