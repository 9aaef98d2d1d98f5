/** The drawings on the page: strokes in the colour of the text beside them, hidden from screen readers, which read that text. */
import type { Html } from './html.ts';
import { html } from './html.ts';

const PATHS = {
  'set-up': 'M3 6h18v12H3z M3 7l9 7 9-7',
  phone: 'M8 2.5h8a1 1 0 0 1 1 1v17a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1v-17a1 1 0 0 1 1-1z M11 18.5h2',
  'app-passwords': 'M12.5 15.5a4 4 0 1 1-8 0 4 4 0 0 1 8 0z M11.4 12.6L20 4 M16.5 7.5l3 3 M13.8 10.2l2 2',
  password: 'M6 11h12v9H6z M8.5 11V8a3.5 3.5 0 0 1 7 0v3 M12 14.5v2',
  sessions: 'M3 5h12v9H3z M6 18h6 M9 14v4 M17.5 9H21v11h-6v-3',
  forwarding: 'M4 12h14 M13 6l6 6-6 6 M4 6v12',
  trace: 'M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13z M15.3 15.3L21 21',
  profile: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8z M4 21c.6-4.2 3.7-6.5 8-6.5s7.4 2.3 8 6.5',
} as const;

export type IconName = keyof typeof PATHS;

export function icon(name: IconName): Html {
  return html`<svg class="icon" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" focusable="false"><path d=${PATHS[name]} /></svg>`;
}

/** The drop beside the name. */
export function mark(): Html {
  return html`<svg class="mark" viewBox="0 0 24 24" width="26" height="26" aria-hidden="true" focusable="false">
    <path d="M12 2.5c4 4.7 6.5 8 6.5 11.5a6.5 6.5 0 0 1-13 0C5.5 10.5 8 7.200 12 2.500z" />
  </svg>`;
}
