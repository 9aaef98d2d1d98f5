/**
 * Making views from the database: anew in pages, or the next version from what changed since the last.
 *
 * Each step is one snapshot and may be followed by other work, so a step tells up to which modseq of the account it is complete; the view is
 * ready when a step has found nothing left behind.
 */
import { Refused } from '../../errors.ts';
import type { MailboxKey } from '../api.ts';
import { type Engine, PAGE_ROWS, type Reader } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { Modseq, Uid } from '../ids.ts';
import { MESSAGES_ABOVE, type MessageRow } from '../operations/message-row.ts';
import { entryFrom, PAGE_LIMIT, Page, type PageEntry, paged } from './page.ts';
import { PagedView, type ViewHead } from './view.ts';

type HeadRow = readonly [
  uidvalidity: number,
  uidnext: number,
  modseq: number,
  sizeBytes: number,
  unseen: number,
  selectable: number,
  upTo: number,
  minModseq: number,
];

const HEAD = sql<HeadRow>(`
  SELECT m.uidvalidity, m.uidnext, m.modseq, m.size_bytes, m.unseen, m.selectable, a.modseq, a.min_modseq FROM mailbox m
  JOIN account a ON a.account_id = m.account_id WHERE m.account_id = ? AND m.mailbox_id = ?`);

/**
 * In the order of the index: ORDER BY uid would scan the mailbox. The `+` keeps SQLite from taking mailbox_id out of the order as a constant,
 * which would make it sort.
 */
const CHANGED = sql<MessageRow>(`
  SELECT uid, item_id, email_id, flags, keywords, size, received, modseq, saved, uidl FROM message
  WHERE account_id = ? AND (modseq, mailbox_id, uid) > (?, ?, ?) AND +mailbox_id = ? ORDER BY modseq, mailbox_id, uid LIMIT ?`);

const VANISHED = sql<readonly [uid: number, modseq: number]>(`
  SELECT uid, modseq FROM expunged
  WHERE account_id = ? AND (modseq, mailbox_id, uid) > (?, ?, ?) AND +mailbox_id = ? ORDER BY modseq, mailbox_id, uid LIMIT ?`);

/** @throws Refused `mailbox.missing` */
async function readHead(tx: Reader, key: MailboxKey): Promise<ViewHead & { readonly minModseq: Modseq }> {
  const row = await tx.get(HEAD, key.account, key.mailbox);
  if (row === undefined || row[5] === 0) throw new Refused('mailbox.missing', 'The folder does not exist.');
  return {
    key,
    uidvalidity: row[0],
    uidnext: row[1] as Uid,
    modseq: row[2] as Modseq,
    sizeBytes: row[3],
    unseen: row[4],
    upTo: row[6] as Modseq,
    minModseq: row[7] as Modseq,
  };
}

/** Reads the whole mailbox. */
export async function readView(engine: Engine, key: MailboxKey): Promise<PagedView> {
  const head = await engine.read((tx) => readHead(tx, key), key.account);
  const pages: Page[] = [];
  let after = 0;
  for (;;) {
    const rows = await engine.read(
      async (tx) => tx.all(MESSAGES_ABOVE, key.account, key.mailbox, after, PAGE_LIMIT),
      key.account,
    );
    if (rows.length > 0) pages.push(Page.from(rows.map(entryFrom)));
    if (rows.length < PAGE_LIMIT) break;
    after = rows.at(-1)![0];
    await new Promise((resolve) => setImmediate(resolve));
  }
  return refreshView(engine, new PagedView(head, pages));
}

/** The next version: what changed since `view` was read. @returns `view` itself when nothing did */
export async function refreshView(engine: Engine, view: PagedView): Promise<PagedView> {
  const { account, mailbox } = view.key;
  const changed = new Map<number, PageEntry>();
  const vanished = new Set<number>();
  let since: readonly [number, number, number] = [view.head.upTo, Number.MAX_SAFE_INTEGER, 0];
  let gone = since;
  for (;;) {
    const step = await engine.read(async (tx) => {
      const rows = await tx.all(CHANGED, account, ...since, mailbox, PAGE_ROWS);
      const tombstones = await tx.all(VANISHED, account, ...gone, mailbox, PAGE_ROWS);
      return { rows, tombstones, head: await readHead(tx, view.key) };
    }, account);
    // A mailbox made anew shares nothing with the old one; and of removals before minModseq nobody knows any more.
    if (step.head.uidvalidity !== view.uidvalidity || step.head.minModseq > view.head.upTo)
      return readView(engine, view.key);
    for (const row of step.rows) changed.set(row[0], entryFrom(row));
    for (const [uid] of step.tombstones) vanished.add(uid);
    if (step.rows.length < PAGE_ROWS && step.tombstones.length < PAGE_ROWS) {
      if (step.head.upTo === view.head.upTo) return view;
      return new PagedView(step.head, applyChanges(view.pages, changed, vanished));
    }
    const lastRow = step.rows.at(-1);
    if (lastRow !== undefined) since = [lastRow[7], mailbox, lastRow[0]];
    const lastGone = step.tombstones.at(-1);
    if (lastGone !== undefined) gone = [lastGone[1], mailbox, lastGone[0]];
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Pages with some entries replaced, removed and added at the end; untouched pages are shared. */
function applyChanges(
  pages: readonly Page[],
  changed: ReadonlyMap<number, PageEntry>,
  vanished: ReadonlySet<number>,
): readonly Page[] {
  if (changed.size === 0 && vanished.size === 0) return pages;
  const touched = [...changed.keys(), ...vanished].sort((a, b) => a - b);
  const lastUid = pages.at(-1)?.lastUid ?? 0;
  const result: Page[] = [];
  let next = 0;
  for (const page of pages) {
    const from = next;
    while (next < touched.length && touched[next]! <= page.lastUid) next++;
    if (from === next) {
      result.push(page);
      continue;
    }
    const entries: PageEntry[] = [];
    for (const entry of page.entries()) {
      if (!vanished.has(entry.uid)) entries.push(changed.get(entry.uid) ?? entry);
    }
    if (entries.length > 0) result.push(Page.from(entries));
  }
  const added = [...changed.values()]
    .filter(({ uid }) => uid > lastUid && !vanished.has(uid))
    .sort((a, b) => a.uid - b.uid);
  if (added.length > 0) {
    const last = result.at(-1);
    if (last !== undefined && last.length < PAGE_LIMIT) {
      result.pop();
      added.unshift(...last.entries());
    }
    result.push(...paged(added));
  }
  return result;
}
