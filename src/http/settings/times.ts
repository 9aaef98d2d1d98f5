/** Moments as they are shown: in UTC here, in the person's own time where scripts run (assets/settings.js). */
import { type Html, html } from './html.ts';

const SHOWN = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' });

/** @param at  milliseconds since 1970 */
export function moment(at: number): Html {
  const date = new Date(at);
  return html`<time datetime=${date.toISOString()}>${SHOWN.format(date)} UTC</time>`;
}
