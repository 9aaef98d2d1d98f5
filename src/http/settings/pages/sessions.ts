/** Where the person is signed in, over any protocol; and ending it. */
import { z } from 'zod';
import type { SignInProtocol } from '../../../directory/types.ts';
import type { OpenSession } from '../../../net/sessions.ts';
import { nowSeconds } from '../../../store/ids.ts';
import { type AuditEntry, recordAudit } from '../../../store/operations/audit.ts';
import { clientName } from '../client-names.ts';
import { form } from '../forms.ts';
import { type Html, html } from '../html.ts';
import { troubleNote } from '../layout.ts';
import { moment } from '../times.ts';
import type { Page, Visit } from '../visit.ts';

const TEXT = {
  title: 'Signed in',
  lead: 'Every mail program and browser that is signed in to your account now.',
  here: 'this browser',
  since: 'since',
  from: 'from',
  with: { password: 'with your password', app: 'with the app password', oauth: 'with a token' },
  end: 'Sign out',
  endAll: 'Sign out everywhere else',
  hint: 'A mail program signs in again by itself as long as it knows a password that counts. To keep it out, take back its app password, or change your password.',
  ended(count: number): string {
    if (count === 0) return 'It had ended already.';
    return count === 1 ? 'One session was ended.' : `${count} sessions were ended.`;
  },
} as const;

const PROTOCOLS: Readonly<Record<SignInProtocol, string>> = {
  imap: 'Mail program (IMAP)',
  pop3: 'Mail program (POP3)',
  submission: 'Sending mail',
  managesieve: 'Mail filters',
  web: 'Webmail',
  settings: 'Settings',
};

/** Sessions shown; the limits on connections keep them few. */
const MOST = 200;

const endForm = z.object({ id: z.string() });

export const sessionsPage: Page = {
  path: 'sessions',
  title: TEXT.title,

  async show(visit, trouble) {
    const isOwn = (session: OpenSession) => session.id === visit.session.id;
    const open = [...visit.parts.sessions.list(visit.account.id)]
      .sort((a, b) => Number(isOwn(b)) - Number(isOwn(a)) || b.since - a.since)
      .slice(0, MOST);
    return html`<h1>${TEXT.title}</h1>
      <p class="lead">${TEXT.lead}</p>
      ${troubleNote(trouble)}
      <section class="card">
        <ul class="items">${open.map((session) => item(visit, session))}</ul>
        ${open.length > 1 && form({ visit, action: '/settings/sessions/end-others', button: TEXT.endAll, look: 'quiet' })}
      </section>
      <p class="hint">${TEXT.hint}</p>`;
  },

  actions: {
    async end(visit) {
      const { id } = visit.form(endForm);
      return ended(visit, (session) => String(session.id) === id, { id });
    },
    'end-others': (visit) => ended(visit, () => true, { others: true }),
  },
};

/** Never the session that asks: for that there is signing out. @param detail  for the audit */
async function ended(visit: Visit, which: (session: OpenSession) => boolean, detail: AuditEntry['detail']) {
  const { parts, account, session: own } = visit;
  const meant = [...parts.sessions.list(account.id)].filter((one) => one.id !== own.id && which(one));
  if (meant.length > 0) {
    const entry = { actor: visit.actor, action: 'sessions.end', subject: account.name, detail };
    await parts.store.engine.write((tx) => recordAudit(tx, entry, nowSeconds()));
  }
  const count = await parts.sessions.endThese(meant, 'ended-by-you');
  return { kind: 'go', to: sessionsPage.path, notice: TEXT.ended(count) } as const;
}

function item(visit: Visit, session: OpenSession): Html {
  const { id, protocol, address, since, client } = session;
  const own = id === visit.session.id;
  return html`<li>
    <div>
      <strong>${PROTOCOLS[protocol]}</strong> ${own && html`<span class="tag">${TEXT.here}</span>`}
      <p class="hint">${client !== '' && `${clientName(client)}, `}${TEXT.from} ${address}, ${TEXT.since} ${moment(since * 1_000)}</p>
      ${!own && html`<p class="hint">${means(session)}</p>`}
    </div>
    ${
      !own &&
      form({
        visit,
        action: '/settings/sessions/end',
        button: TEXT.end,
        look: 'danger',
        about: `${TEXT.end}: ${PROTOCOLS[protocol]}, ${TEXT.from} ${address}`,
        children: html`<input type="hidden" name="id" value=${id} />`,
      })
    }
  </li>`;
}

/** What it was signed in with. */
function means({ credential: { kind, label } }: OpenSession): string {
  return label === '' ? TEXT.with[kind] : `${TEXT.with[kind]} "${label}"`;
}
