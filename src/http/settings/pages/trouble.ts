/** The page that says what went wrong. */
import { type Html, html } from '../html.ts';

const TEXT = {
  title: 'That did not work',
  missing: 'There is no such page here.',
  mistake: 'The browser sent something that this page does not understand. Load the page again.',
  ours: 'Something went wrong on the server. It was noted for the administrator; try again in a while.',
  back: 'Back to your settings',
} as const;

/** @param text  for the person; null: what the status says */
export function troubleView(status: number, text: string | null): Html {
  const said = text ?? (status === 404 ? TEXT.missing : status < 500 ? TEXT.mistake : TEXT.ours);
  return html`<section class="card narrow">
    <h1>${TEXT.title}</h1>
    <p role="alert">${said}</p>
    <p><a href="/settings">${TEXT.back}</a></p>
  </section>`;
}
troubleView.title = TEXT.title;
