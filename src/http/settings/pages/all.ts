/** The pages of the settings in the order of their navigation; the first is where one arrives. */
import type { Page } from '../visit.ts';
import { appPasswordsPage } from './app-passwords.ts';
import { forwardingPage } from './forwarding.ts';
import { passwordPage } from './password.ts';
import { phonePage } from './phone.ts';
import { profilePage } from './profile.ts';
import { sessionsPage } from './sessions.ts';
import { setUpPage } from './set-up.ts';
import { tracePage } from './trace.ts';

export const PAGES: readonly Page[] = [
  setUpPage,
  phonePage,
  appPasswordsPage,
  passwordPage,
  sessionsPage,
  forwardingPage,
  tracePage,
  profilePage,
];
