/** The audit: who changed what, when. */
import { z } from 'zod';
import { canonicalName, parseDomain } from '../../directory/address.ts';
import type { AuditRecord } from '../../directory/audit.ts';
import { action } from './action.ts';

/** Entries an answer holds at most: it is one JSON value. */
export const MOST_ENTRIES = 10_000;

export const listAudit = action({
  name: 'audit.list',
  input: z.strictObject({
    /** An address, a domain or a group. */
    about: z.string().optional(),
    by: z.string().optional(),
    /** Seconds since 1970. */
    since: z.number().int().min(0).optional(),
    most: z.number().int().min(1).max(MOST_ENTRIES),
  }),
  /** The newest of those that fit, oldest first. */
  async run({ directory }, { about, by, since = 0, most }): Promise<AuditRecord[]> {
    const entries: AuditRecord[] = [];
    for await (const entry of directory.audit(about === undefined ? undefined : canonical(about))) {
      if (entry.at < since || entries.length === most) break;
      if (by === undefined || entry.actor.toLowerCase().includes(by.toLowerCase())) entries.push(entry);
    }
    return entries.reverse();
  },
});

/** As the audit keeps its subjects: addresses and domains in one form, names of groups as they are. */
function canonical(about: string): string {
  if (about.includes('@')) return canonicalName(about);
  return about.includes('.') ? (parseDomain(about) ?? about) : about;
}
