/** Where the folders of a source go in an account. Pure. */
import type { Mailbox, Role } from '../store/types.ts';
import { isInbox } from './inbox.ts';

export interface Destination {
  /** The mailbox, by its whole name. */
  readonly path: string;
  /** What it is to be used for, if it must be made. */
  readonly role: Role | null;
  /** A mailbox of that use which is to have this name. */
  readonly rename: Mailbox | null;
}

interface Named {
  readonly name: string;
  readonly role: Role | null;
  readonly indexed: boolean;
}

/**
 * One destination for each folder, in the same order. Without `top`, what is at the top of the source goes to INBOX, `Sent Items` and its like
 * to the account's own mailbox of that use, and the rest under its own name. With `top` all goes below it.
 */
export function destinations(
  folders: readonly Named[],
  mailboxes: readonly Mailbox[],
  top: string | undefined,
): Destination[] {
  const names = new Set(folders.map((folder) => allowedName(folder.name)));
  const used = new Set<Role>();
  return folders.map((folder): Destination => {
    const name = allowedName(folder.name);
    const own = { path: isInbox(name) ? (top ?? 'INBOX') : top === undefined ? name : `${top}/${name}`, rename: null };
    if (top !== undefined || isInbox(name)) return { ...own, role: null };
    const role = folder.indexed ? folder.role : (folder.role ?? wellKnownRole(name));
    if (role === null || role === 'inbox' || used.has(role)) return { ...own, role: null };
    const existing = mailboxes.find((mailbox) => mailbox.role === role);
    if (existing === undefined) {
      used.add(role);
      return { ...own, role };
    }
    if (existing.path === name) {
      used.add(role);
      return { ...own, role: null };
    }
    // The source has a folder of the name too, or the account has one: two folders stay two.
    if (names.has(existing.path) || mailboxes.some((mailbox) => mailbox.path === name)) return { ...own, role: null };
    used.add(role);
    if (folder.indexed && existing.total === 0) return { ...own, role: null, rename: existing };
    return { path: existing.path, role: null, rename: null };
  });
}

/** A name that a mailbox may have (store/operations/mailboxes.ts), as near to the source's as can be. */
export function allowedName(name: string): string {
  const parts = name
    .normalize('NFC')
    .split('/')
    .map((part) => part.replace(/[\p{Cc}\u2028\u2029]/gu, '_').slice(0, MOST_PART))
    .filter((part) => part !== '');
  const deep = parts.slice(MOST_DEPTH - 1);
  const kept = deep.length === 0 ? parts : [...parts.slice(0, MOST_DEPTH - 1), deep.join('.').slice(0, MOST_PART)];
  if (kept[0]?.toUpperCase() === 'INBOX') kept[0] = 'INBOX';
  return kept.join('/').slice(0, MOST_PATH).toWellFormed();
}

const MOST_DEPTH = 50;
const MOST_PART = 250;
const MOST_PATH = 1_000;

/** The use of a folder by the names that clients and servers give it. */
export function wellKnownRole(name: string): Role | null {
  const plain = name.toLowerCase().replaceAll('_', ' ');
  return ROLES.find(([, names]) => names.includes(plain))?.[0] ?? null;
}

const ROLES: readonly (readonly [Role, readonly string[]])[] = [
  [
    'sent',
    [
      'sent',
      'sent items',
      'sent messages',
      'sent mail',
      'sent-mail',
      'outbox sent',
      'gesendet',
      'gesendete elemente',
      'gesendete objekte',
      'envoyés',
      'éléments envoyés',
      'enviados',
      'elementos enviados',
      'posta inviata',
      'inviata',
      'verzonden',
      'verzonden items',
      'skickat',
      'wysłane',
    ],
  ],
  ['drafts', ['drafts', 'draft', 'entwürfe', 'brouillons', 'borradores', 'bozze', 'concepten', 'utkast', 'szkice']],
  [
    'trash',
    [
      'trash',
      'deleted',
      'deleted items',
      'deleted messages',
      'papierkorb',
      'gelöscht',
      'gelöschte elemente',
      'gelöschte objekte',
      'corbeille',
      'éléments supprimés',
      'papelera',
      'elementos eliminados',
      'cestino',
      'prullenbak',
      'verwijderde items',
      'papperskorgen',
      'kosz',
    ],
  ],
  [
    'junk',
    ['junk', 'spam', 'junk e-mail', 'junk email', 'junk mail', 'bulk mail', 'indésirables', 'correo no deseado'],
  ],
  ['archive', ['archive', 'archives', 'archiv', 'archivio', 'archivo', 'archief']],
];
