/** The rules of the hierarchy (operations/mailboxes.ts) and of each folder's numbers. Counts come later, when the messages are in their place. */
import { sql } from '../engine/sql.ts';
import type { MailboxId } from '../ids.ts';
import { INBOX, insertMailbox, nextUidvalidity, TOP } from '../operations/mailboxes.ts';
import { type Inspection, LIMIT, type Mender, SINCE_MADE } from './inspection.ts';

type FolderRow = readonly [
  id: number,
  parent: number,
  name: string,
  role: string | null,
  subscribed: number,
  selectable: number,
  uidvalidity: number,
  uidnext: number,
  recentUid: number,
];

const FOLDERS = sql<FolderRow>(`
  SELECT mailbox_id, parent_id, name, role, subscribed, selectable, uidvalidity, uidnext, recent_uid FROM mailbox
  WHERE account_id = ? ORDER BY mailbox_id`);
/** UIDs beyond the limit are no UIDs: the rules on messages replace them. */
const HIGHEST_UID = sql<readonly [uid: number]>(`
  SELECT uid FROM message WHERE account_id = ? AND mailbox_id = ? AND uid < ? ORDER BY uid DESC LIMIT 1`);
/** Not those of a folder that was deleted, and made again under a new UIDVALIDITY. */
const HIGHEST_GONE = sql<readonly [mailbox: number, uid: number]>(`
  SELECT x.mailbox_id, max(x.uid) FROM expunged x WHERE x.account_id = ? AND x.uid < ? AND ${SINCE_MADE} GROUP BY x.mailbox_id`);
const HAS_MESSAGES = sql<readonly [uid: number]>(
  'SELECT uid FROM message WHERE account_id = ? AND mailbox_id = ? LIMIT 1',
);

const PLACE = sql('UPDATE mailbox SET parent_id = ?, name = ?, modseq = ? WHERE account_id = ? AND mailbox_id = ?');
const SET_ROLE = sql('UPDATE mailbox SET role = ?, modseq = ? WHERE account_id = ? AND mailbox_id = ?');
const SET_MARKS = sql(`
  UPDATE mailbox SET subscribed = ?, selectable = ?, modseq = ? WHERE account_id = ? AND mailbox_id = ?`);
const SET_UIDNEXT = sql('UPDATE mailbox SET uidnext = ?, modseq = ? WHERE account_id = ? AND mailbox_id = ?');
const SET_UIDVALIDITY = sql('UPDATE mailbox SET uidvalidity = ?, modseq = ? WHERE account_id = ? AND mailbox_id = ?');
const SET_RECENT = sql('UPDATE mailbox SET recent_uid = ? WHERE account_id = ? AND mailbox_id = ?');

const ROLES = new Set(['inbox', 'drafts', 'sent', 'archive', 'junk', 'trash', 'all', 'flagged', 'important']);

/** @returns ids of all folders, and their whole names */
export async function checkFolders(inspection: Inspection): Promise<Map<MailboxId, string>> {
  const { tx, account } = inspection;
  let rows = await tx.all(FOLDERS, account);
  const places = new Map<number, Place>();
  if (!rows.some(([id]) => id === INBOX)) {
    places.set(INBOX, { parent: TOP, name: 'INBOX' });
    await inspection.find({ code: 'mailbox', text: 'there is no INBOX' }, 'made', makeInbox);
    rows = await tx.all(FOLDERS, account);
  }
  for (const [id, parent, name] of rows) places.set(id, { parent, name });
  await checkPlaces(inspection, places);
  const paths = new Map<MailboxId, string>();
  for (const id of places.keys()) paths.set(id as MailboxId, pathOf(places, id));
  const highestGone = new Map(await tx.all(HIGHEST_GONE, account, LIMIT));
  const roles = new Set<string>();
  for (const row of rows) await checkFolder(inspection, row, paths.get(row[0] as MailboxId)!, roles, highestGone);
  return paths;
}

async function makeInbox(mender: Mender): Promise<void> {
  const { tx, account } = mender;
  const modseq = await mender.modseq(INBOX);
  await insertMailbox(tx, { account, id: INBOX, parent: TOP, name: 'INBOX', role: 'inbox', modseq, subscribed: true });
}

interface Place {
  parent: number;
  name: string;
}

/** Parents exist and lead to the top; names can be written, and are given once at each place. INBOX stands at the top. */
async function checkPlaces(inspection: Inspection, places: Map<number, Place>): Promise<void> {
  const { account } = inspection;
  const all = new Set<string>();
  for (const place of places.values()) all.add(keyOf(place));
  const seen = new Set<string>();
  for (const [id, place] of places) {
    const wrong = wrongOf(places, id, place, seen);
    if (wrong !== undefined) {
      const before = place.name;
      if (wrong !== 'name') place.parent = TOP;
      if (id === INBOX) place.name = 'INBOX';
      else if (!isName(before)) place.name = `Folder ${id}`;
      else if (wrong === 'name') place.name = `${before} (${id})`;
      while (id !== INBOX && all.has(keyOf(place))) place.name += ` (${id})`;
      all.add(keyOf(place));
      await inspection.find(
        { mailbox: before, code: 'mailbox', text: WRONG[wrong] },
        `it is now “${place.name}”${place.parent === TOP ? ' at the top' : ''}`,
        async (mender) => {
          const modseq = await mender.modseq(id as MailboxId);
          await mender.tx.run(PLACE, place.parent, place.name, modseq, account, id);
        },
      );
    }
    seen.add(keyOf(place));
  }
}

const WRONG = {
  inbox: 'the INBOX is not at its place',
  parent: 'the folder above it does not exist',
  circle: 'it stands below itself',
  name: 'its name can’t be used, or another folder beside it has it too',
} as const;

function wrongOf(
  places: ReadonlyMap<number, Place>,
  id: number,
  { parent, name }: Place,
  seen: ReadonlySet<string>,
): keyof typeof WRONG | undefined {
  if (id === INBOX) return parent === TOP && name === 'INBOX' ? undefined : 'inbox';
  if (parent !== TOP && !places.has(parent)) return 'parent';
  for (let [at, steps] = [parent, 0]; at !== TOP; at = places.get(at)?.parent ?? TOP) {
    if (at === id || steps++ > places.size) return 'circle';
  }
  return !isName(name) || seen.has(keyOf({ parent, name })) ? 'name' : undefined;
}

function isName(name: string): boolean {
  return name !== '' && !/[/\p{Cc}\uFFFD]/u.test(name);
}

function keyOf({ parent, name }: Place): string {
  return `${parent}/${name}`;
}

/** The whole name; safe where a circle was found and only listed. */
function pathOf(places: ReadonlyMap<number, Place>, id: number): string {
  const names: string[] = [];
  for (let at: number = id; at !== TOP && names.length <= places.size; at = places.get(at)?.parent ?? TOP) {
    names.unshift(places.get(at)?.name ?? `(${at})`);
  }
  return names.join('/');
}

async function checkFolder(
  inspection: Inspection,
  [id, , , role, subscribed, selectable, uidvalidity, uidnext, recentUid]: FolderRow,
  mailbox: string,
  roles: Set<string>,
  highestGone: ReadonlyMap<number, number>,
): Promise<void> {
  const { tx, account } = inspection;
  const key = id as MailboxId;
  if (role !== null && (!ROLES.has(role) || roles.has(role))) {
    await inspection.find(
      { mailbox, code: 'mailbox', text: `its special use, ${role}, is unknown or another folder’s` },
      'taken away',
      async (mender) => void (await mender.tx.run(SET_ROLE, null, await mender.modseq(key), account, id)),
    );
  }
  if (role !== null) roles.add(role);

  const holds = (await tx.get(HAS_MESSAGES, account, id)) !== undefined;
  if (subscribed > 1 || selectable > 1 || (selectable === 0 && holds)) {
    await inspection.find(
      { mailbox, code: 'mailbox', text: 'its marks are not right, or it holds messages and can’t be opened' },
      'it can be opened',
      async (mender) =>
        void (await mender.tx.run(SET_MARKS, subscribed === 0 ? 0 : 1, 1, await mender.modseq(key), account, id)),
    );
  }

  const highest = Math.max((await tx.get(HIGHEST_UID, account, id, LIMIT))?.[0] ?? 0, highestGone.get(id) ?? 0);
  const next = highest + 1;
  if (uidnext < next || uidnext >= LIMIT || uidnext < 1) {
    await inspection.find(
      { mailbox, code: 'uid', text: `the UID ${highest} was given, and the next one to be given is ${uidnext}` },
      `the next one is ${next}`,
      async (mender) => {
        await mender.tx.run(SET_UIDNEXT, next, await mender.modseq(key), account, id);
        // Where it had been too high, UIDs above may have been given: clients must forget what they know (RFC 9051 2.3.1.1).
        if (uidnext >= LIMIT) await giveUidvalidity(mender, key);
      },
    );
  } else if (recentUid >= uidnext) {
    await inspection.find(
      { mailbox, code: 'uid', text: `messages up to UID ${recentUid} were seen as new, the next one is ${uidnext}` },
      'set to the last one given',
      async (mender) => void (await mender.tx.run(SET_RECENT, uidnext - 1, account, id)),
    );
  }
  if (uidvalidity < 1 || uidvalidity >= LIMIT) {
    await inspection.find(
      { mailbox, code: 'mailbox', text: `its UIDVALIDITY, ${uidvalidity}, is none` },
      'it has a new one',
      (mender) => giveUidvalidity(mender, key),
    );
  }
}

async function giveUidvalidity(mender: Mender, mailbox: MailboxId): Promise<void> {
  const { tx, account } = mender;
  await tx.run(SET_UIDVALIDITY, await nextUidvalidity(tx, account), await mender.modseq(mailbox), account, mailbox);
}
