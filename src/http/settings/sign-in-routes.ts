/** Signing in and out. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Refused } from '../../errors.ts';
import { PAGES } from './pages/all.ts';
import { signInView } from './pages/sign-in.ts';
import type { Show } from './show.ts';
import { signIn } from './sign-in.ts';
import { statusOf } from './status.ts';
import { BODY_LIMIT, type Visits } from './visits.ts';

/** Longer ones are nobody's; the authenticator bounds the password. */
const NAME_LENGTH = 1_000;

const signInForm = z.object({ name: z.string().max(NAME_LENGTH), password: z.string(), to: z.string().optional() });

export function signInRoutes(app: FastifyInstance, visits: Visits, show: Show): void {
  app.get('/sign-in', (request, reply) => {
    const { query } = visits.guest(request);
    const view = signInView({
      to: pageNamed(query('to')),
      name: '',
      trouble: null,
      ended: query('ended') !== undefined,
    });
    return show(reply, view, { title: signInView.title });
  });

  app.post('/sign-in', { bodyLimit: BODY_LIMIT }, async (request, reply) => {
    const visit = visits.guestPosted(request);
    const { name, password, to } = visit.form(signInForm);
    try {
      await visits.begin(await signIn(name.trim(), password, visit.peer, visits.parts), request, reply);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const view = signInView({ to: pageNamed(to), name, trouble: error.message, ended: false });
      return show(reply, view, { title: signInView.title, status: statusOf(error) });
    }
    return reply.redirect(`/settings/${pageNamed(to)}`, 303);
  });

  app.post('/sign-out', { bodyLimit: BODY_LIMIT }, async (request, reply) => {
    const toSignIn = () => {
      visits.forget(reply);
      return reply.redirect('/settings/sign-in?ended', 303);
    };
    return visits.posted(request, reply, {
      nobody: toSignIn,
      async somebody({ session }) {
        session.end();
        return toSignIn();
      },
    });
  });
}

/** The path of one of our pages: nobody is sent elsewhere. */
function pageNamed(path: string | undefined): string {
  return (PAGES.find((page) => page.path === path) ?? PAGES[0]!).path;
}
