/** A code that sets up a phone: the phone's camera opens a link that is good once. */
import { z } from 'zod';
import { exists, requireLabel } from '../../../directory/rules.ts';
import type { CredentialListing } from '../../../directory/types.ts';
import { Refused } from '../../../errors.ts';
import { field, form } from '../forms.ts';
import { type Html, html } from '../html.ts';
import { troubleNote } from '../layout.ts';
import { LINK_LIFETIME } from '../phone-links.ts';
import { qrCode } from '../qr.ts';
import { NOTHING_OPEN, waysToRead } from '../set-up/values.ts';
import type { Page, Visit } from '../visit.ts';

const MINUTES = LINK_LIFETIME / 60_000;

const TEXT = {
  title: 'Phone',
  lead: 'Set up a phone without typing: show it a code, and it gets your account with a password of its own.',
  label: 'What do you call the phone?',
  labelHint: 'Its app password gets this name, so that you can take it back when the phone is lost.',
  phone: 'Phone',
  button: 'Show the code',
  codeTitle: 'Scan this with the phone',
  scan: 'Open the camera of the phone, hold it over the code, and open the link that it shows.',
  next: 'An iPhone or iPad gets a profile to install; any other phone is told what its mail program needs.',
  time: `The code is good once, for ${MINUTES} minutes. Who scans it reads your mail: show it to nobody.`,
  alternative: 'QR code with the link for the phone',
  link: 'Without a camera: open this address on the phone',
  back: 'Done',
} as const;

const linkForm = z.object({ label: z.string() });

export const phonePage: Page = {
  path: 'phone',
  title: TEXT.title,

  async show(visit, trouble) {
    return html`<h1>${TEXT.title}</h1>
      <p class="lead">${TEXT.lead}</p>
      <section class="card">
        ${troubleNote(trouble)}
        ${form({
          visit,
          action: '/settings/phone/code',
          button: TEXT.button,
          children: field({
            name: 'label',
            label: TEXT.label,
            hint: TEXT.labelHint,
            autocomplete: 'off',
            value: freeLabel(await labels(visit)),
          }),
        })}
      </section>`;
  },

  actions: {
    async code(visit) {
      const label = requireLabel(visit.form(linkForm).label);
      if ((await labels(visit)).has(label.toLowerCase())) {
        throw exists(`You have an app password "${label}" already. Take it back, or give the phone another name.`);
      }
      const [way] = waysToRead(visit.parts.services(), visit.access, visit.account.name);
      if (way === undefined) throw new Refused('auth.not-allowed', NOTHING_OPEN);
      const secret = visit.parts.phoneLinks.make(visit.session.grant, label);
      return { kind: 'view', body: codeView(`${visit.origin}/settings/start?link=${secret}`) };
    },
  },
};

function codeView(link: string): Html {
  return html`<section class="card code">
    <h1>${TEXT.codeTitle}</h1>
    ${qrCode(link, TEXT.alternative)}
    <div>
      <p>${TEXT.scan} ${TEXT.next}</p>
      <p>${TEXT.time}</p>
      <details><summary>${TEXT.link}</summary><p class="wide" data-copy=${TEXT.link}>${link}</p></details>
      <p class="actions"><a class="button quiet" href="/settings/phone">${TEXT.back}</a></p>
    </div>
  </section>`;
}

async function labels({ parts, account }: Visit): Promise<Set<string>> {
  const credentials = await parts.directory.credentials(account.name);
  return new Set(credentials.map(({ label }: CredentialListing) => label.toLowerCase()));
}

/** `Phone`, `Phone 2`, ...: one that is not taken. */
function freeLabel(taken: ReadonlySet<string>): string {
  for (let number = 1; ; number++) {
    const label = number === 1 ? TEXT.phone : `${TEXT.phone} ${number}`;
    if (!taken.has(label.toLowerCase())) return label;
  }
}
