/** What a phone sees that has followed the link of a QR code. Nobody is signed in there. */
import { copied, secret } from '../facts.ts';
import type { Html } from '../html.ts';
import { html } from '../html.ts';
import { SECURITY, type SetUpValues } from '../set-up/steps.ts';

const TEXT = {
  title: 'Set up this phone',
  lead: 'for',
  apple: 'This is an iPhone or iPad',
  other: 'This is another phone',
  once: 'Do it now: the link is good once.',
  voidTitle: 'This link is over',
  void: 'It was used already, or its time is over. Make a new one on your settings page, under "Phone".',
  values: 'Your account',
  valuesLead:
    'In your mail program choose "Add account" and type these two. It finds the rest. They are shown this once.',
  address: 'Mail address',
  password: 'App password',
  hand: 'If it does not find the rest',
  incoming: { imap: 'IMAP server', pop3: 'POP3 server', smtp: 'SMTP server' },
} as const;

export function startView({
  link,
  address,
  apple,
}: {
  readonly link: string;
  readonly address: string;
  readonly apple: boolean;
}): Html {
  const buttons = [button('apple', TEXT.apple, apple), button('other', TEXT.other, !apple)];
  return html`<section class="card narrow">
    <h1>${TEXT.title}</h1>
    <p class="lead">${TEXT.lead} <strong>${address}</strong></p>
    <form method="post" action="/settings/start" class="fields">
      <input type="hidden" name="link" value=${link} />
      ${apple ? buttons : buttons.reverse()}
    </form>
    <p class="hint">${TEXT.once}</p>
  </section>`;
}
startView.title = TEXT.title;

function button(phone: string, label: string, main: boolean): Html {
  return html`<button name="phone" value=${phone} class=${main ? 'main' : 'quiet'}>${label}</button>`;
}

export function voidView(): Html {
  return html`<section class="card narrow"><h1>${TEXT.voidTitle}</h1><p role="alert">${TEXT.void}</p></section>`;
}
voidView.title = TEXT.voidTitle;

/** What another phone than Apple's needs. */
export function valuesView(values: SetUpValues, password: string): Html {
  const { address, incoming, outgoing } = values;
  const servers = outgoing === null ? [incoming] : [incoming, outgoing];
  return html`<section class="card narrow">
    <h1>${TEXT.values}</h1>
    <p>${TEXT.valuesLead}</p>
    <dl class="facts">${copied(TEXT.address, address)} ${secret(TEXT.password, password)}</dl>
    <details>
      <summary>${TEXT.hand}</summary>
      <dl class="facts">
        ${servers.map(({ type, host, port, security }) => copied(TEXT.incoming[type], `${host}:${port}`, SECURITY[security]))}
      </dl>
    </details>
  </section>`;
}
valuesView.title = TEXT.values;
