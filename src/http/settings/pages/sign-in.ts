/** The page where one signs in. */
import { field } from '../forms.ts';
import { type Html, html } from '../html.ts';
import { troubleNote } from '../layout.ts';
import type { Trouble } from '../visit.ts';

const TEXT = {
  title: 'Sign in',
  lead: 'Your mail programs, passwords and devices, in one place.',
  name: 'Mail address',
  password: 'Password',
  passwordHint: 'Your own password. App passwords are for mail programs.',
  button: 'Sign in',
  ended: 'You are signed out. Sign in again to go on.',
} as const;

export interface SignInForm {
  /** The page to go to afterwards. */
  readonly to: string;
  readonly name: string;
  readonly trouble: Trouble;
  /** Somebody was signed in here, and is no more. */
  readonly ended: boolean;
}

export function signInView({ to, name, trouble, ended }: SignInForm): Html {
  return html`<section class="card narrow">
    <h1>${TEXT.title}</h1>
    <p class="lead">${TEXT.lead}</p>
    ${ended && trouble === null && html`<p class="note" role="status">${TEXT.ended}</p>`}
    ${troubleNote(trouble)}
    <form method="post" action="/settings/sign-in" class="fields">
      <input type="hidden" name="to" value=${to} />
      ${field({ name: 'name', label: TEXT.name, autocomplete: 'username', value: name, focus: name === '' })}
      ${field({
        name: 'password',
        label: TEXT.password,
        hint: TEXT.passwordHint,
        type: 'password',
        autocomplete: 'current-password',
        focus: name !== '',
      })}
      <button class="main">${TEXT.button}</button>
    </form>
  </section>`;
}
signInView.title = TEXT.title;
