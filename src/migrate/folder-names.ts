/**
 * What folders of another server are called here. Pure.
 *
 * Their hierarchy may have any delimiter and a prefix; ours has `/` and none. A folder that is used for something goes into the one that is
 * used for it here, and takes those below it along. A name that can't be here is changed as little as can be, the same way each time.
 */
import { allowedPart } from '../store/mailbox-names.ts';
import type { Role } from '../store/types.ts';

export interface NamedFolder {
  readonly name: string;
  /** Empty: the source has no hierarchy. */
  readonly delimiter: string;
  readonly role: Role | null;
}

/** A slash that is none: a name with `/` in it, from a server where that parts nothing, looks as before. */
const DIVISION_SLASH = '\u2215';

/**
 * @param prefix  of the person's own folders there (RFC 2342): `INBOX.`
 * @param roles  the paths of what is used for something here
 * @returns path by name; each path once
 */
export function localPaths(
  folders: readonly NamedFolder[],
  prefix: string,
  roles: ReadonlyMap<Role, string>,
): Map<string, string> {
  const paths = new Map<string, string>();
  const taken = new Set<string>();
  const take = (name: string, wanted: string) => {
    let path = wanted;
    for (let number = 2; taken.has(path); number += 1) path = `${wanted} (${number})`;
    taken.add(path);
    paths.set(name, path);
  };
  const ordered = [...folders].sort((a, b) => (a.name < b.name ? -1 : 1));
  // Those with a use first: theirs is the name that another might have.
  for (const { name, role } of ordered) {
    const path = role === null ? undefined : roles.get(role);
    if (path !== undefined) take(name, path);
  }
  // Shorter names first: what is above is mapped before what is below.
  for (const folder of ordered.sort((a, b) => a.name.length - b.name.length)) {
    if (!paths.has(folder.name)) take(folder.name, pathOf(folder, prefix, paths));
  }
  return paths;
}

function pathOf({ name, delimiter }: NamedFolder, prefix: string, paths: ReadonlyMap<string, string>): string {
  if (delimiter !== '') {
    for (let end = name.lastIndexOf(delimiter); end > 0; end = name.lastIndexOf(delimiter, end - 1)) {
      const above = name.slice(0, end);
      const path = paths.get(above);
      // INBOX is above everything where the prefix is `INBOX.`, which says nothing.
      if (path === undefined || `${above}${delimiter}` === prefix) continue;
      return [path, ...partsOf(name.slice(end + delimiter.length), delimiter)].join('/');
    }
  }
  const own = name.length > prefix.length && name.startsWith(prefix) ? name.slice(prefix.length) : name;
  const [first = '', ...below] = partsOf(own, delimiter);
  return [first.toUpperCase() === 'INBOX' ? 'INBOX' : first, ...below].join('/');
}

function partsOf(name: string, delimiter: string): string[] {
  return (delimiter === '' ? [name] : name.split(delimiter)).map(partOf);
}

function partOf(part: string): string {
  return part === '' ? '_' : allowedPart(part.replaceAll('/', DIVISION_SLASH));
}
