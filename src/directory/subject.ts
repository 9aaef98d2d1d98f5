/** Whom a quota or a setting of the access policy is for: as they are named, and as the store knows them. */
import type { Reader } from '../store/engine/engine.ts';
import { requireAccount } from './accounts.ts';
import { requireOurs } from './domains.ts';
import { requireGroup } from './groups.ts';
import { canonicalAddress, requireDomain, requireGroupName } from './rules.ts';
import type { SubjectScope } from './types.ts';

/** The id of everyone. */
export const EVERYONE = 0;

export interface Subject {
  readonly scope: SubjectScope;
  /** An address, a group or a domain; empty for everyone. */
  readonly name: string;
}

/** @throws Refused `directory.invalid` */
export function canonicalSubject({ scope, name }: Subject): Subject {
  switch (scope) {
    case 'account':
      return { scope, name: canonicalAddress(name) };
    case 'group':
      return { scope, name: requireGroupName(name) };
    case 'domain':
      return { scope, name: requireDomain(name, { trial: false }) };
    case 'everyone':
      return { scope, name: '' };
  }
}

/** @throws Refused `directory.missing` */
export async function subjectId(tx: Reader, { scope, name }: Subject): Promise<number> {
  switch (scope) {
    case 'account':
      return (await requireAccount(tx, name)).id;
    case 'group':
      return (await requireGroup(tx, name)).id;
    case 'domain':
      return (await requireOurs(tx, name)).id;
    case 'everyone':
      return EVERYONE;
  }
}
