/** Lines of a list of facts. */
import { type Html, html } from './html.ts';

export function fact(name: string, value: Html): Html {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
}

/** One to be typed elsewhere: with scripts it can be copied (assets/settings.js). @param more  said after it */
export function copied(name: string, value: string, more: string = ''): Html {
  return html`<div><dt>${name}</dt><dd><span data-copy=${name}>${value}</span> ${more}</dd></div>`;
}

/** The same for a password. */
export function secret(name: string, value: string): Html {
  return html`<div><dt>${name}</dt><dd><span class="secret" data-copy=${name}>${value}</span></dd></div>`;
}
