/** The frame of every page. */
import type { AssetUrls } from './assets.ts';
import { type Html, html, type VNode } from './html.ts';
import { type IconName, icon, mark } from './icons.ts';

const TEXT = {
  product: 'Rainmail',
  page: 'Your settings',
  skip: 'To the content',
  navigation: 'Settings',
  signOut: 'Sign out',
} as const;

export interface NavigationItem {
  readonly path: IconName;
  readonly title: string;
}

/** Somebody who is signed in. */
export interface Insider {
  readonly address: string;
  readonly csrf: string;
  readonly navigation: readonly NavigationItem[];
  /** The page they are on; null: none of the navigation's. */
  readonly current: string | null;
}

export interface Frame {
  readonly title: string;
  readonly assets: AssetUrls;
  readonly insider: Insider | null;
  /** What was done, on top of the page. */
  readonly notice: string | null;
  readonly body: Html;
}

export function layout({ title, assets, insider, notice, body }: Frame): VNode {
  return html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <meta name="robots" content="noindex" />
      <title>${`${title} - ${TEXT.product}`}</title>
      <link rel="icon" type="image/svg+xml" href=${assets.icon} />
      <link rel="stylesheet" href=${assets.style} />
      <script src=${assets.script} defer></script>
    </head>
    <body class=${insider === null ? 'outside' : 'inside'}>
      <a class="skip" href="#content">${TEXT.skip}</a>
      <header class="top">
        <a class="brand" href="/settings">${mark()}<span>${TEXT.product}</span></a>
        ${insider && signedInAs(insider)}
      </header>
      <div class="middle">
        ${insider && navigation(insider)}
        <main id="content" tabindex="-1">
          ${notice && html`<p class="note good" role="status">${notice}</p>`}
          ${body}
        </main>
      </div>
    </body>
  </html>`;
}

function signedInAs({ address, csrf }: Insider): Html {
  return html`<form class="signed-in" method="post" action="/settings/sign-out">
    <span class="who" title=${address}>${address}</span>
    <input type="hidden" name="csrf" value=${csrf} />
    <button class="quiet">${TEXT.signOut}</button>
  </form>`;
}

function navigation({ navigation: items, current }: Insider): Html {
  const item = ({ path, title }: NavigationItem) =>
    html`<li><a href=${`/settings/${path}`} aria-current=${path === current ? 'page' : undefined}>${icon(path)}<span>${title}</span></a></li>`;
  return html`<nav aria-label=${TEXT.navigation}><ul>${items.map(item)}</ul></nav>`;
}

/** What was refused, above the form it is about. */
export function troubleNote(trouble: string | null): Html {
  return trouble === null ? null : html`<p class="note bad" role="alert">${trouble}</p>`;
}
