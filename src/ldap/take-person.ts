/** Takes one person over at once: when they sign in, or mail for them comes, before the next refresh. */
import type { Directory } from '../directory/directory.ts';
import type { LdapPerson } from './entry.ts';
import type { LdapReader } from './reader.ts';

/**
 * @returns the person's address here; null when it can't be an account of theirs
 * @throws LdapUnavailable
 */
export async function takeNow(directory: Directory, reader: LdapReader, found: LdapPerson): Promise<string | null> {
  const outside = directory.outside;
  const [outcome] = await outside.takePeople([found.person]);
  if (outcome === undefined || 'problem' in outcome) return null;
  const { account, name, change } = outcome.taken;
  if (change !== 'added') return name; // the next refresh looks after groups
  const groups = await reader.groupsOf(found);
  const known = new Map((await Array.fromAsync(directory.outside.groups())).map((group) => [group.externalId, group]));
  for (const { group } of groups) {
    const there = known.get(group.externalId);
    if (there !== undefined) await outside.changeMembers(there, { join: [{ account, name }], leave: [] });
  }
  return name;
}
