/** Changing one's own password. */
import { z } from 'zod';
import { Refused } from '../../../errors.ts';
import { field, form } from '../forms.ts';
import { html } from '../html.ts';
import { troubleNote } from '../layout.ts';
import { signIn } from '../sign-in.ts';
import type { Page, Visit } from '../visit.ts';

const TEXT = {
  title: 'Password',
  lead: 'The password you sign in with here, and in mail programs that have no app password of their own.',
  current: 'Current password',
  next: 'New password',
  nextHint: 'A few words that do not belong together are easy to keep in mind and hard to guess.',
  again: 'New password, once more',
  button: 'Change the password',
  after:
    'Mail programs that use your password ask for the new one. App passwords stay as they are. Wherever else you are signed in to these settings, you are signed out.',
  wrong: 'The current password is wrong.',
  different: 'The two new passwords are not the same. Type them again.',
  same: 'The new password is the one you have. Choose another.',
  done: 'Your password is changed.',
} as const;

const changeForm = z.object({ current: z.string(), next: z.string(), again: z.string() });

export const passwordPage: Page = {
  path: 'password',
  title: TEXT.title,

  async show(visit, trouble) {
    const elsewhere = await visit.parts.directory.changedElsewhere(visit.account.name, 'the password');
    return html`<h1>${TEXT.title}</h1>
      <p class="lead">${TEXT.lead}</p>
      <section class="card">
        ${troubleNote(trouble ?? elsewhere)}
        ${
          elsewhere === null &&
          form({
            visit,
            action: '/settings/password/change',
            button: TEXT.button,
            children: [
              // For password managers, which keep a password with its name.
              html`<input type="text" name="name" value=${visit.account.name} autocomplete="username" hidden readonly />`,
              field({ name: 'current', label: TEXT.current, type: 'password', autocomplete: 'current-password' }),
              field({
                name: 'next',
                label: TEXT.next,
                hint: TEXT.nextHint,
                type: 'password',
                autocomplete: 'new-password',
              }),
              field({ name: 'again', label: TEXT.again, type: 'password', autocomplete: 'new-password' }),
              html`<p class="hint">${TEXT.after}</p>`,
            ],
          })
        }
      </section>`;
  },

  actions: {
    async change(visit) {
      const { current, next, again } = visit.form(changeForm);
      await requireCurrent(visit, current);
      if (next !== again) throw new Refused('directory.invalid', TEXT.different);
      if (next === current) throw new Refused('directory.invalid', TEXT.same);
      await visit.changes.accounts.setPassword(visit.account.name, next);
      // The session was of the old password: from here on nobody's is any more.
      await visit.begin(await signIn(visit.account.name, next, visit.peer, visit.parts));
      return { kind: 'go', to: passwordPage.path, notice: TEXT.done };
    },
  },
};

/** Who sits down at an open browser does not know it. @throws Refused `auth.failed` */
async function requireCurrent({ account, peer, parts }: Visit, password: string): Promise<void> {
  try {
    await signIn(account.name, password, peer, parts);
  } catch (error) {
    if (error instanceof Refused && error.code === 'auth.failed') throw new Refused('auth.failed', TEXT.wrong);
    throw error;
  }
}
