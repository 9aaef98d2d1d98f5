/** What forms are made of. */
import { type Html, html } from './html.ts';
import type { Visit } from './visit.ts';

interface Field {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  readonly type?: 'text' | 'email' | 'password';
  readonly value?: string;
  /** What the browser or a password manager fills in. */
  readonly autocomplete: string;
  readonly maxlength?: number;
  readonly required?: boolean;
  readonly focus?: boolean;
}

/** A labelled line to type into. */
export function field({
  name,
  label,
  hint,
  type = 'text',
  value,
  autocomplete,
  maxlength,
  required = true,
  focus,
}: Field): Html {
  const id = `field-${name}`;
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <input id=${id} name=${name} type=${type} value=${value} autocomplete=${autocomplete} maxlength=${maxlength}
      required=${required} autofocus=${focus} spellcheck="false" autocapitalize="off"
      aria-describedby=${hint === undefined ? undefined : `${id}-hint`} />
    ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
  </div>`;
}

interface Choice {
  readonly name: string;
  readonly value: string;
  readonly label: string;
  readonly hint?: Html;
  readonly checked: boolean;
}

export function checkbox({ name, value, label, hint, checked }: Choice): Html {
  const id = `${name}-${value}`;
  return html`<div class="choice">
    <input type="checkbox" id=${id} name=${name} value=${value} checked=${checked} />
    <label for=${id}>${label}${hint && html`<span class="hint">${hint}</span>`}</label>
  </div>`;
}

interface Form {
  readonly visit: Visit;
  /** `/settings/password/change` */
  readonly action: string;
  readonly button: string;
  /** How the button looks: what the page is for, a thing beside, or one that takes something away. */
  readonly look?: 'main' | 'quiet' | 'danger';
  /** What the button is for, where its words alone don't tell it. */
  readonly about?: string;
  readonly children?: Html;
}

/** A form of the session's. */
export function form({ visit, action, button, look = 'main', about, children }: Form): Html {
  return html`<form method="post" action=${action} class=${children === undefined ? 'bare' : 'fields'}>
    <input type="hidden" name="csrf" value=${visit.session.csrf} />
    ${children}
    <button class=${look} aria-label=${about}>${button}</button>
  </form>`;
}
