/** Passwords for single devices: making one, seeing when each was used, taking one back. */
import { z } from 'zod';
import type { CredentialListing, SignInProtocol } from '../../../directory/types.ts';
import { copied, fact, secret } from '../facts.ts';
import { checkbox, field, form } from '../forms.ts';
import { type Html, html } from '../html.ts';
import { troubleNote } from '../layout.ts';
import { MAIL_SERVICES, type MailService, openServices } from '../set-up/values.ts';
import { moment } from '../times.ts';
import { listed, type Page, type Visit } from '../visit.ts';

const TEXT = {
  title: 'App passwords',
  lead: 'A password for one device. When the phone is lost, you take its password back, and nothing else has to change.',
  make: 'Make one',
  label: 'Device',
  labelHint: 'Such as "laptop" or "printer in room 7". You find it in the list by this name.',
  protocols: 'What may it do?',
  button: 'Make an app password',
  list: 'Yours',
  none: 'You have no app passwords yet.',
  made: 'made',
  used: 'Last used',
  never: 'never',
  everything: 'For everything',
  revoke: 'Take back',
  madeTitle: 'Your new app password',
  madeLead:
    'Type it into the mail program in place of your password. It is shown this once: when you leave this page, nobody can see it again.',
  madeHint: 'Spaces and capitals do not matter.',
  userName: 'User name',
  password: 'App password',
  back: 'Done',
} as const;

const LABELS: Readonly<Record<MailService, string>> = {
  imap: 'Read mail with IMAP',
  pop3: 'Fetch mail with POP3',
  submission: 'Send mail',
};

const SHORT: Readonly<Record<SignInProtocol, string>> = {
  imap: 'IMAP',
  pop3: 'POP3',
  submission: 'sending',
  managesieve: 'mail filters',
  web: 'the web',
  settings: 'settings',
};

const makeForm = z.object({ label: z.string(), protocols: z.preprocess(listed, z.array(z.enum(MAIL_SERVICES))) });
const revokeForm = z.object({ label: z.string() });

export const appPasswordsPage: Page = {
  path: 'app-passwords',
  title: TEXT.title,

  async show(visit, trouble) {
    const credentials = await visit.parts.directory.credentials(visit.account.name);
    return html`<h1>${TEXT.title}</h1>
      <p class="lead">${TEXT.lead}</p>
      <section class="card" aria-labelledby="list">
        <h2 id="list">${TEXT.list}</h2>
        ${list(
          visit,
          credentials.filter(({ kind }) => kind === 'app'),
        )}
      </section>
      <section class="card" aria-labelledby="make">
        <h2 id="make">${TEXT.make}</h2>
        ${troubleNote(trouble)}
        ${form({
          visit,
          action: '/settings/app-passwords/make',
          button: TEXT.button,
          children: [
            field({ name: 'label', label: TEXT.label, hint: TEXT.labelHint, autocomplete: 'off' }),
            html`<fieldset><legend>${TEXT.protocols}</legend>${choices(visit)}</fieldset>`,
          ],
        })}
      </section>`;
  },

  actions: {
    async make(visit) {
      const { label, protocols } = visit.form(makeForm);
      const made = await visit.changes.appPasswords.add(visit.account.name, { label, protocols });
      return {
        kind: 'view',
        body: html`<section class="card">
          <h1>${TEXT.madeTitle}</h1>
          <p>${TEXT.madeLead}</p>
          <dl class="facts">
            ${fact(TEXT.label, made.label)} ${copied(TEXT.userName, visit.account.name)} ${secret(TEXT.password, made.password)}
          </dl>
          <p class="hint">${TEXT.madeHint}</p>
          <p class="actions"><a class="button main" href="/settings/app-passwords">${TEXT.back}</a></p>
        </section>`,
      };
    },

    async revoke(visit) {
      const revoked = await visit.changes.appPasswords.revoke(visit.account.name, visit.form(revokeForm).label);
      const notice = `The app password "${revoked.label}" is void. Its device can not sign in any more.`;
      return { kind: 'go', to: appPasswordsPage.path, notice };
    },
  },
};

function choices({ access }: Visit): Html {
  const [preferred] = openServices(access);
  return openServices(access).map((service) =>
    checkbox({
      name: 'protocols',
      value: service,
      label: LABELS[service],
      checked: service === preferred || service === 'submission',
    }),
  );
}

function list(visit: Visit, passwords: readonly CredentialListing[]): Html {
  if (passwords.length === 0) return html`<p>${TEXT.none}</p>`;
  return html`<ul class="items">${passwords.map((one) => item(visit, one))}</ul>`;
}

function item(visit: Visit, { label, protocols, created, lastUse }: CredentialListing): Html {
  return html`<li>
    <div>
      <strong>${label}</strong>
      <p class="hint">${scope(protocols)}, ${TEXT.made} ${moment(created * 1_000)}</p>
      <p class="hint">${TEXT.used} ${lastUse === null ? TEXT.never : [moment(lastUse.at * 1_000), `, ${lastUse.protocol}, ${lastUse.address}`]}</p>
    </div>
    ${form({
      visit,
      action: '/settings/app-passwords/revoke',
      button: TEXT.revoke,
      look: 'danger',
      about: `${TEXT.revoke}: ${label}`,
      children: html`<input type="hidden" name="label" value=${label} />`,
    })}
  </li>`;
}

function scope(protocols: readonly SignInProtocol[] | null): string {
  if (protocols === null) return TEXT.everything;
  const names = protocols.map((one) => SHORT[one]).join(' and ');
  return names[0]!.toUpperCase() + names.slice(1);
}
