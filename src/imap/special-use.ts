/** Special uses of mailboxes (RFC 6154 2, RFC 8457): the attribute IMAP shows for each role. */
import type { Role } from '../store/types.ts';

const ATTRIBUTES: Readonly<Record<Role, string | null>> = {
  inbox: null,
  drafts: '\\Drafts',
  sent: '\\Sent',
  archive: '\\Archive',
  junk: '\\Junk',
  trash: '\\Trash',
  all: '\\All',
  flagged: '\\Flagged',
  important: '\\Important',
};

/** Roles that a client may give a mailbox; the others would be views of other mailboxes. */
const GIVEN: readonly Role[] = ['drafts', 'sent', 'archive', 'junk', 'trash'];

export function specialUse(role: Role | null): string | null {
  return role === null ? null : ATTRIBUTES[role];
}

/** The role a client may give by this attribute, in any case; null when there is none. */
export function roleOf(attribute: string): Role | null {
  return GIVEN.find((role) => ATTRIBUTES[role]?.toLowerCase() === attribute.toLowerCase()) ?? null;
}
