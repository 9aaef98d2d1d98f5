/** Where the folders of a source go in an account. Pure. */
import { allowedPath } from '../store/mailbox-names.ts';
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
 * One destination for each folder, in the same order, in which each stands after the one above it. Without `top`, what is at the top of the
 * source goes to INBOX, `Sent Items` and its like to the account's own mailbox of that use, with what is below it, and the rest under its own
 * name. With `top` all goes below it.
 */
export function destinations(
  folders: readonly Named[],
  mailboxes: readonly Mailbox[],
  top: string | undefined,
): Destination[] {
  const names = new Set(folders.map((folder) => allowedPath(folder.name)));
  const used = new Set<Role>();
  const moved = new Map<string, string>();
  return folders.map((folder): Destination => {
    const name = allowedPath(folder.name);
    const plain = { path: below(name, moved), role: null, rename: null };
    if (isInbox(name)) return { ...plain, path: top ?? 'INBOX' };
    if (top !== undefined) return { ...plain, path: `${top}/${name}` };
    const role = folder.indexed ? folder.role : (folder.role ?? wellKnownRole(name));
    if (role === null || role === 'inbox' || used.has(role)) return plain;
    const existing = mailboxes.find((mailbox) => mailbox.role === role);
    // The source has a folder of that name too, or the account has one of this name: two folders stay two.
    const both = names.has(existing?.path ?? '') || mailboxes.some((mailbox) => mailbox.path === name);
    if (existing !== undefined && existing.path !== name && both) return plain;
    used.add(role);
    if (existing === undefined) return { ...plain, role };
    if (existing.path === name) return plain;
    if (folder.indexed && existing.total === 0) return { ...plain, rename: existing };
    moved.set(name, existing.path);
    return { ...plain, path: existing.path };
  });
}

/** The name, below the new place of a folder above it that has one. */
function below(name: string, moved: ReadonlyMap<string, string>): string {
  for (let end = name.lastIndexOf('/'); end > 0; end = name.lastIndexOf('/', end - 1)) {
    const place = moved.get(name.slice(0, end));
    if (place !== undefined) return place + name.slice(end);
  }
  return name;
}

/** The use of a folder by the names that clients and servers give it. */
function wellKnownRole(name: string): Role | null {
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
