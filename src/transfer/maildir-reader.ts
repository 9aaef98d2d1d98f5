/**
 * Reads one folder of a Maildir, as Dovecot, Courier or we write it: flags in the files' names, UIDs and POP3's ids in files beside them.
 * The folder may be in use meanwhile: a message whose file got another name is looked for again.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DOVECOT_UIDL, uidlByFormat } from '../uidl-format.ts';
import { parseKeywordFile, parseKeywordList, parsePop3Sizes } from './maildir-courier.ts';
import { NO_UIDS, parseKeywords, parseUidList, type UidList } from './maildir-dovecot.ts';
import { byDelivery, flagsOfLetters, type MaildirName, maildirName } from './maildir-name.ts';
import { EXTRA_KEYWORDS, parseExtraKeywords } from './rainmail-index.ts';
import { loadMessage, readAhead, textOf } from './read-files.ts';
import { type Found, isFileError, leftOutReason, type Reading } from './source.ts';

/** Small files read at once: enough that a disk has something to do. */
const AT_ONCE = 16;
/** Messages without a UID come after the others. */
const UNLISTED = Number.MAX_SAFE_INTEGER;

interface MaildirFile extends MaildirName {
  /** `cur` or `new`. */
  readonly place: string;
  readonly file: string;
}

/** What the folder's own files tell of its messages. */
interface Notes {
  readonly uids: UidList;
  readonly pop3: ReadonlyMap<string, string>;
  readonly letters: readonly (string | undefined)[];
  readonly keywords: ReadonlyMap<string, readonly string[]>;
  /** What the server that wrote them gives messages without a noted id; null: it was not Dovecot. */
  readonly uidlFormat: string | null;
}

/** @param inbox  POP3 shows this folder: its messages had ids there, also where none are noted */
export async function* readMaildir(path: string, inbox: boolean, reading: Reading): AsyncGenerator<Found, void> {
  const notes = await readNotes(path);
  const files = await listMaildir(path);
  // Each one's place is looked up once: a folder may have a hundred thousand.
  const places = new Map(files.map((file) => [file, notes.uids.messages.get(file.unique)?.uid ?? UNLISTED]));
  files.sort((a, b) => places.get(a)! - places.get(b)! || byDelivery(a.file, b.file));
  const wanted = function* () {
    const seen = new Set<string>();
    for (const file of files) {
      // The same file in cur and new: a program died while it moved it.
      if (seen.has(file.unique)) continue;
      seen.add(file.unique);
      if (!reading.known(file.unique, flagsOf(file, notes))) yield file;
    }
  };
  let listing: Map<string, MaildirFile> | undefined;
  const findAgain = async (file: MaildirFile): Promise<MaildirFile | undefined> => {
    const differs = (found: MaildirFile | undefined) => found !== undefined && found.file !== file.file;
    if (!differs(listing?.get(file.unique))) {
      listing = new Map((await listMaildir(path)).map((found) => [found.unique, found]));
    }
    const found = listing?.get(file.unique);
    return differs(found) ? found : undefined;
  };
  yield* readAhead(wanted(), AT_ONCE, async (listed): Promise<Found> => {
    let file = listed;
    const where = () => join(path, file.place, file.file);
    try {
      let loaded = await loadMessage(where(), file.exact).catch(async (error: unknown) => {
        const moved = isFileError(error) && error.code === 'ENOENT' ? await findAgain(listed) : undefined;
        if (moved === undefined) throw error;
        file = moved;
        return undefined;
      });
      loaded ??= await loadMessage(where(), file.exact);
      return {
        where: where(),
        key: file.unique,
        content: loaded.content,
        received: loaded.modified,
        flags: flagsOf(file, notes),
        uidl: uidlOf(file, notes, inbox ? (reading.uidlFormat ?? notes.uidlFormat) : null),
      };
    } catch (error) {
      const reason = leftOutReason(error);
      if (reason === undefined) throw error;
      return { where: where(), reason };
    }
  });
}

/** Messages in `cur` and `new`; `tmp` holds only what is being written. */
export async function listMaildir(path: string): Promise<MaildirFile[]> {
  const files: MaildirFile[] = [];
  for (const place of ['cur', 'new']) {
    let names: string[] = [];
    try {
      names = await readdir(join(path, place));
    } catch (error) {
      if (!isFileError(error) || error.code !== 'ENOENT') throw error;
    }
    for (const file of names) if (!file.startsWith('.')) files.push({ place, file, ...maildirName(file) });
  }
  return files;
}

async function readNotes(path: string): Promise<Notes> {
  const [dovecot, courier, pop3, letters, extra, keywords] = await Promise.all([
    textOf(join(path, 'dovecot-uidlist')),
    textOf(join(path, 'courierimapuiddb')),
    textOf(join(path, 'courierpop3dsizelist')),
    textOf(join(path, 'dovecot-keywords')),
    textOf(join(path, EXTRA_KEYWORDS)),
    courierKeywords(join(path, 'courierimapkeywords')),
  ]);
  const uids = dovecot === '' ? (courier === '' ? NO_UIDS : parseUidList(courier)) : parseUidList(dovecot);
  return {
    uids,
    pop3: parsePop3Sizes(pop3),
    letters: parseKeywords(letters),
    keywords: new Map([...keywords, ...parseExtraKeywords(extra)]),
    uidlFormat: dovecot === '' ? null : DOVECOT_UIDL,
  };
}

/** Courier's keywords: the list, and newer files of single messages, the newest of which begin with `.<number>.`. */
async function courierKeywords(folder: string): Promise<Map<string, string[]>> {
  const keywords = parseKeywordList(await textOf(join(folder, ':list')));
  let names: string[] = [];
  try {
    names = await readdir(folder);
  } catch (error) {
    if (!isFileError(error) || (error.code !== 'ENOENT' && error.code !== 'ENOTDIR')) throw error;
  }
  const plain = (name: string) => name.replace(/^\.\d+\./, '');
  const own = names.filter((name) => name !== ':list' && /^(?:\.\d+\.)?[^.]/.test(name));
  // The dotted ones come last, so that they count.
  for (const name of own.sort((a, b) => Number(a.startsWith('.')) - Number(b.startsWith('.')) || (a < b ? -1 : 1))) {
    keywords.set(maildirName(plain(name)).unique, parseKeywordFile(await textOf(join(folder, name))));
  }
  return keywords;
}

function flagsOf(file: MaildirFile, notes: Notes): string[] {
  return [...flagsOfLetters(file.letters, notes.letters), ...(notes.keywords.get(file.unique) ?? [])];
}

function uidlOf(file: MaildirFile, { uids, pop3 }: Notes, format: string | null): string | null {
  const listed = uids.messages.get(file.unique);
  if (listed?.uidl != null) return listed.uidl;
  const courier = pop3.get(file.unique);
  if (courier !== undefined) return courier;
  if (format === null) return null;
  return uidlByFormat(format, { uid: listed?.uid ?? null, uidvalidity: uids.uidvalidity, file: file.base });
}
