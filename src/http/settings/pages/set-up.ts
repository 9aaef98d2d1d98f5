/** How to set up a mail program: the person's own values, and the steps in the common programs. */
import type { MailServer } from '../../../autoconfig/account.ts';
import { copied, fact } from '../facts.ts';
import { type Html, html } from '../html.ts';
import { type Program, programs, SECURITY, type SetUpValues } from '../set-up/steps.ts';
import { letGoText, type MailService, NOTHING_OPEN, obstacles, passwordFor, waysToRead } from '../set-up/values.ts';
import type { Page, Visit } from '../visit.ts';

const TEXT = {
  title: 'Mail program',
  heading: 'Set up a mail program',
  lead: 'Most programs ask for your name, your mail address and a password, and find the rest by themselves. If yours does not, this is what it needs to know.',
  closed: 'Not open to you',
  incoming: { imap: 'Reading mail: IMAP', pop3: 'Fetching mail: POP3' },
  about: {
    imap: 'Mail stays on the server, the same on all your devices.',
    pop3: 'Mail is fetched into the program.',
  },
  other: { imap: 'Or with IMAP', pop3: 'Or with POP3' },
  outgoing: 'Sending mail: SMTP',
  server: 'Server',
  port: 'Port',
  security: 'Security',
  userName: 'User name',
  password: 'Password',
  authentication: 'Signing in',
  normal: '"normal password"',
  stay: 'Copies on the server',
  stayOn: 'leave them there',
  stayOff: 'not needed',
  steps: 'Step by step',
} as const;

const PASSWORDS = {
  either: 'an app password, or your own',
  app: 'an app password',
  password: 'your own password',
  none: 'none that you have; ask your administrator',
} as const;

export const setUpPage: Page = {
  path: 'set-up',
  title: TEXT.title,

  async show(visit) {
    const { access, account, parts, peer } = visit;
    const ways = waysToRead(parts.services(), access, account.name);
    const [first, ...others] = ways;
    return html`<h1>${TEXT.heading}</h1>
      <p class="lead">${TEXT.lead}</p>
      ${first === undefined ? html`<p class="note">${NOTHING_OPEN}</p>` : html`<div class="pair">${reading(visit, first)}${sending(visit, first.outgoing)}</div>`}
      ${others.map((way) => html`<details class="card"><summary>${TEXT.other[kindOf(way)]}</summary>${incoming(visit, way)}</details>`)}
      ${closed(obstacles(access, peer.address))}
      ${first && stepByStep(programs(first))}`;
  },

  actions: {},
};

function kindOf({ incoming }: SetUpValues): 'imap' | 'pop3' {
  return incoming.type === 'pop3' ? 'pop3' : 'imap';
}

function reading(visit: Visit, way: SetUpValues): Html {
  return html`<section class="card"><h2>${TEXT.incoming[kindOf(way)]}</h2>${incoming(visit, way)}</section>`;
}

function incoming(visit: Visit, way: SetUpValues): Html {
  const kind = kindOf(way);
  const { letGo } = visit.access.pop3;
  const stay = kind === 'pop3' && fact(TEXT.stay, way.leaveOnServer ? TEXT.stayOn : TEXT.stayOff);
  return html`<p>${TEXT.about[kind]} ${kind === 'pop3' && letGoText(letGo)}</p>${facts(visit, way.incoming, kind, stay)}`;
}

function sending(visit: Visit, server: MailServer | null): Html {
  return server && html`<section class="card"><h2>${TEXT.outgoing}</h2>${facts(visit, server, 'submission')}</section>`;
}

function facts({ access, account }: Visit, server: MailServer, service: MailService, more: Html = null): Html {
  return html`<dl class="facts">
    ${copied(TEXT.server, server.host)} ${copied(TEXT.port, String(server.port))}
    ${fact(TEXT.security, SECURITY[server.security])} ${copied(TEXT.userName, account.name)}
    ${fact(TEXT.password, PASSWORDS[passwordFor(access, service)])} ${fact(TEXT.authentication, TEXT.normal)} ${more}
  </dl>`;
}

function closed(reasons: readonly string[]): Html {
  if (reasons.length === 0) return null;
  return html`<section class="card" aria-labelledby="closed">
    <h2 id="closed">${TEXT.closed}</h2>
    <ul class="plain">${reasons.map((reason) => html`<li>${reason}</li>`)}</ul>
  </section>`;
}

function stepByStep(list: readonly Program[]): Html {
  const one = ({ name, steps, file }: Program) => html`<details>
    <summary>${name}</summary>
    <ol>${steps.map((step) => html`<li>${step}</li>`)}</ol>
    ${file && html`<pre data-copy>${file.text}</pre>`}
  </details>`;
  return html`<section class="card steps" aria-labelledby="steps"><h2 id="steps">${TEXT.steps}</h2>${list.map(one)}</section>`;
}
