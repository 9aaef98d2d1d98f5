/** Sends a page in its frame. */
import type { FastifyReply } from 'fastify';
import type { AssetUrls } from './assets.ts';
import { documentOf, type Html } from './html.ts';
import { type Insider, layout } from './layout.ts';
import { PAGES } from './pages/all.ts';
import type { Page, Visit } from './visit.ts';

/** What a page is shown with besides its own content. */
export interface Shown {
  readonly title: string;
  readonly status?: number;
  /** Absent: nobody is signed in, or it does not matter who. */
  readonly visit?: Visit;
  readonly page?: Page;
}

export type Show = (reply: FastifyReply, body: Html, shown: Shown) => FastifyReply;

const NAVIGATION = PAGES.map(({ path, title }) => ({ path, title }));

export function showWith(assets: AssetUrls): Show {
  return (reply, body, { title, status = 200, visit, page }) => {
    const insider = visit === undefined ? null : insiderOf(visit, page);
    const notice = visit?.session.notice ?? null;
    if (visit !== undefined) visit.session.notice = null;
    const frame = layout({ title, assets, insider, notice, body });
    return reply.status(status).type('text/html; charset=utf-8').send(documentOf(frame));
  };
}

function insiderOf({ account, session }: Visit, page: Page | undefined): Insider {
  return { address: account.name, csrf: session.csrf, navigation: NAVIGATION, current: page?.path ?? null };
}
