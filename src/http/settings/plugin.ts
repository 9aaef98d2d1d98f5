/**
 * The settings page: what people see and change of their own account in a browser.
 *
 * Invariants
 * - Each request is asked anew whether whoever signed in still may (grant.ts).
 * - Nothing is changed by GET. What POST changes came from a page of ours: the browser names our origin, and the form carries the token of
 *   the session.
 * - Every page works without scripts, and the browser is told to run and load nothing but our own files.
 * - Nothing that is told to one person is kept by a browser or a proxy.
 */
import cookie from '@fastify/cookie';
import formbody from '@fastify/formbody';
import type { FastifyInstance } from 'fastify';
import { isExpected, Refused } from '../../errors.ts';
import { answerTo } from '../answers.ts';
import type { HttpPlugin } from '../parts.ts';
import { assetUrls, readAssets } from './assets.ts';
import { PAGES } from './pages/all.ts';
import { troubleView } from './pages/trouble.ts';
import { PhoneLinks } from './phone-links.ts';
import { phoneRoutes } from './phone-routes.ts';
import { type Show, showWith } from './show.ts';
import { signInRoutes } from './sign-in-routes.ts';
import { statusOf } from './status.ts';
import type { Page, SettingsParts } from './visit.ts';
import { BODY_LIMIT, Visits } from './visits.ts';
import { WebSessions } from './web-sessions.ts';

const SETTINGS = '/settings';

/** Our own style, script and images; forms that lead to us; in nobody's frame. */
const CONTENT_POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "img-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

export const settings: HttpPlugin = async (app, httpParts) => {
  const parts: SettingsParts = { ...httpParts, webSessions: new WebSessions(), phoneLinks: new PhoneLinks() };
  parts.sessions.watch(parts.webSessions);
  app.get('/', async (_request, reply) => reply.redirect(SETTINGS, 303));
  await app.register((scope) => settingsPages(scope, parts), { prefix: SETTINGS });
};

/** Everything below {@link SETTINGS}. */
async function settingsPages(app: FastifyInstance, parts: SettingsParts): Promise<void> {
  const assets = readAssets();
  const show = showWith(assetUrls(assets));
  const visits = new Visits(parts);

  await app.register(cookie);
  await app.register(formbody, { bodyLimit: BODY_LIMIT });
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({
      'content-security-policy': CONTENT_POLICY,
      // Not "no-referrer": with that, browsers keep from us which origin a form came from.
      'referrer-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
    });
  });
  app.setErrorHandler((error, request, reply) => {
    if (answerTo(error) === null) {
      parts.log.error({ page: request.routeOptions.url, err: error }, 'a settings page failed by a fault of ours');
      parts.onInternalError('settings', error);
    }
    const status = statusOf(error);
    const text = isExpected(error) ? error.message : null;
    return show(reply, troubleView(status, text), { title: troubleView.title, status });
  });
  app.setNotFoundHandler((_request, reply) =>
    show(reply, troubleView(404, null), { title: troubleView.title, status: 404 }),
  );

  app.get('', async (_request, reply) => reply.redirect(`${SETTINGS}/${PAGES[0]!.path}`, 303));
  app.get<{ Params: { name: string } }>('/assets/:name', (request, reply) => {
    const asset = assets.get(request.params.name);
    if (asset === undefined) return reply.callNotFound();
    reply.header('cache-control', 'public, max-age=31536000, immutable'); // their addresses change with their content
    return reply.type(asset.type).send(asset.content);
  });
  signInRoutes(app, visits, show);
  phoneRoutes(app, visits, show);
  for (const page of PAGES) pageRoutes(app, visits, show, page);
}

/** A page and its forms: one that is refused is shown again with the reason. */
function pageRoutes(app: FastifyInstance, visits: Visits, show: Show, page: Page): void {
  const { path, title } = page;

  app.get(`/${path}`, (request, reply) =>
    visits.inside(request, reply, {
      nobody: () => visits.toSignIn(request, reply, path),
      somebody: async (visit) => show(reply, await page.show(visit, null), { title, visit, page }),
    }),
  );
  for (const [name, action] of Object.entries(page.actions)) {
    app.post(`/${path}/${name}`, { bodyLimit: BODY_LIMIT }, (request, reply) =>
      visits.posted(request, reply, {
        nobody: () => visits.toSignIn(request, reply, path),
        async somebody(visit) {
          try {
            const answer = await action(visit);
            if (answer.kind === 'view') return show(reply, answer.body, { title, visit, page });
            visit.notify(answer.notice);
            return reply.redirect(`${SETTINGS}/${answer.to}`, 303);
          } catch (error) {
            if (!(error instanceof Refused)) throw error;
            const view = await page.show(visit, error.message);
            return show(reply, view, { title, status: statusOf(error), visit, page });
          }
        },
      }),
    );
  }
}
