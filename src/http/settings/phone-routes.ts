/** Where the link of a QR code leads: a phone that nobody is signed in on gets what it needs, once. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { mailAccount } from '../../autoconfig/account.ts';
import { appleProfile } from '../../autoconfig/apple-profile.ts';
import { signProfile } from '../../autoconfig/sign-profile.ts';
import type { SignInProtocol } from '../../directory/types.ts';
import { Refused } from '../../errors.ts';
import { actorOf, stillHolds } from './grant.ts';
import { startView, valuesView, voidView } from './pages/start.ts';
import type { SetUpValues } from './set-up/steps.ts';
import { NOTHING_OPEN, waysToRead } from './set-up/values.ts';
import type { Show } from './show.ts';
import { BODY_LIMIT, type Visits } from './visits.ts';

const startForm = z.object({ link: z.string(), phone: z.enum(['apple', 'other']) });

export function phoneRoutes(app: FastifyInstance, visits: Visits, show: Show): void {
  const { parts } = visits;

  // Looking does not use the link up: programs that preview links do it.
  app.get('/start', (request, reply) => {
    const { query, client } = visits.guest(request);
    const secret = query('link') ?? '';
    const link = parts.phoneLinks.look(secret);
    if (link === undefined) return show(reply, voidView(), { title: voidView.title, status: 410 });
    const apple = /iPhone|iPad|Macintosh/.test(client); // an iPad may say that it is a Mac
    return show(reply, startView({ link: secret, address: link.grant.name, apple }), { title: startView.title });
  });

  app.post('/start', { bodyLimit: BODY_LIMIT }, async (request, reply) => {
    const visit = visits.guestPosted(request);
    const { link: secret, phone } = visit.form(startForm);
    const link = parts.phoneLinks.use(secret);
    const record = link === undefined ? null : await parts.directory.signInRecord(link.grant.name);
    if (link === undefined || !stillHolds(link.grant, record, visit.peer)) {
      return show(reply, voidView(), { title: voidView.title, status: 410 });
    }
    const { account, access } = record;
    const [way] = waysToRead(parts.services(), access, account.name);
    if (way === undefined) throw new Refused('auth.not-allowed', NOTHING_OPEN);
    const changes = parts.directory.by(actorOf(account));
    const { password } = await changes.appPasswords.add(account.name, {
      label: link.label,
      protocols: protocolsOf(way),
    });
    if (phone === 'other') return show(reply, valuesView(way, password), { title: valuesView.title });
    const person = { address: account.name, displayName: account.displayName, password };
    const profile = appleProfile(person, mailAccount(parts.services(), access))!; // there is a way to read mail
    return reply
      .header('content-disposition', 'attachment; filename="mail.mobileconfig"')
      .type('application/x-apple-aspen-config')
      .send((await signProfile(profile, parts.signer())) ?? profile);
  });
}

/** What the phone's app password is for: what it is set up with, and nothing else. */
function protocolsOf({ incoming, outgoing }: SetUpValues): SignInProtocol[] {
  const reading = incoming.type === 'pop3' ? 'pop3' : 'imap';
  return outgoing === null ? [reading] : [reading, 'submission'];
}
