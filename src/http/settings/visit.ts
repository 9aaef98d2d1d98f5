/** One request, as a page sees it, and what a page may answer. */
import type { z } from 'zod';
import type { Peer } from '../../auth/types.ts';
import type { Access } from '../../directory/access/access.ts';
import type { DirectoryChanges } from '../../directory/changes/directory-changes.ts';
import type { Account } from '../../directory/types.ts';
import { BadCommand } from '../../errors.ts';
import type { HttpParts } from '../parts.ts';
import type { Html } from './html.ts';
import type { IconName } from './icons.ts';
import type { PhoneLinks } from './phone-links.ts';
import type { Granted } from './sign-in.ts';
import type { WebSession } from './web-session.ts';
import type { WebSessions } from './web-sessions.ts';

/** What the pages work with. */
export interface SettingsParts extends HttpParts {
  readonly webSessions: WebSessions;
  readonly phoneLinks: PhoneLinks;
}

/** A request of nobody in particular. */
export interface GuestVisit {
  readonly parts: SettingsParts;
  readonly peer: Peer;
  /** The browser's User-Agent; empty when it tells none. */
  readonly client: string;
  /** Where the browser finds this server: `https://mail.example.org`. */
  readonly origin: string;
  /** A value of the query; undefined when it is not there once. */
  readonly query: (name: string) => string | undefined;
  /** The fields of the form. @throws BadCommand when they are not those of the page */
  readonly form: <T>(schema: z.ZodType<T>) => T;
}

/** A request of somebody who is signed in. */
export interface Visit extends GuestVisit {
  readonly session: WebSession;
  /** As it is now. */
  readonly account: Account;
  /** What the access policy lets them do. */
  readonly access: Access;
  /** As the audit names them: `anna@office.test on the settings page`. */
  readonly actor: string;
  /** To change what is theirs, in their name. */
  readonly changes: DirectoryChanges;
  /** Goes on with another session for the same browser. @throws Refused when they may not sign in any more */
  readonly begin: (granted: Granted) => Promise<void>;
  /** Tells something on the next page, once. */
  readonly notify: (text: string) => void;
}

export type Answer =
  | { readonly kind: 'view'; readonly body: Html }
  /** To another page of ours. @property notice  told there, once */
  | { readonly kind: 'go'; readonly to: string; readonly notice: string };

/** Tells in a view what was refused; the form is there again. */
export type Trouble = string | null;

/** A page of somebody who is signed in. */
export interface Page {
  /** Below the settings: `password`. Names its drawing in the navigation, too. */
  readonly path: IconName;
  readonly title: string;
  readonly show: (visit: Visit, trouble: Trouble) => Promise<Html>;
  /** What its forms do, by the last part of their address; when one is refused the page is shown again with the reason. */
  readonly actions: Readonly<Record<string, (visit: Visit) => Promise<Answer>>>;
}

/** Checks what a form sent. @throws BadCommand */
export function parseForm<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body ?? {});
  if (!parsed.success) throw new BadCommand('This form was not sent as the page has it. Load the page again.');
  return parsed.data;
}

/** Fields that appear more than once (check boxes) as a list, whether none, one or more came. */
export function listed(field: unknown): unknown {
  return field === undefined ? [] : [field].flat();
}
