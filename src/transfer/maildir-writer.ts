/**
 * Writes a mailbox as a Maildir folder, with the files that Dovecot keeps beside the messages, so that it can be opened as it is: the same
 * UIDs, flags, keywords, dates, and unique ids for POP3.
 *
 * A message's file is named for its mailbox and UID, so that a later run knows what is there: it writes what is new, and renames what has
 * other flags now. It removes nothing.
 */
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Pace } from '../pace.ts';
import type { MailboxView } from '../store/api.ts';
import { nodeFiles } from '../store/bodies/files.ts';
import type { ExportFolder } from './export-folder.ts';
import { type Form, fileBytes, formOf, isLoss, messageAt, type OutgoingMessage } from './export-messages.ts';
import { formatKeywords, parseKeywords, uidListHeader, uidListLine } from './maildir-dovecot.ts';
import { EXACT, lettersOfFlags, MOST_KEYWORDS } from './maildir-name.ts';
import { listMaildir } from './maildir-reader.ts';
import { EXTRA_KEYWORDS, formatExtraKeywords } from './rainmail-index.ts';
import { textOf } from './read-files.ts';
import { writeEach } from './write-each.ts';
import { FileOnTheWay, writeWhole } from './written-files.ts';

export async function writeMaildir(folder: ExportFolder): Promise<void> {
  const { directory, view, report } = folder;
  for (const place of ['cur', 'new', 'tmp']) await nodeFiles.makeDirectory(join(directory, place));
  if (folder.name !== 'INBOX')
    await writeWhole(join(directory, 'maildirfolder'), join(directory, 'tmp', 'maildirfolder'), []);
  const keywords = await keywordLetters(directory, view);
  // Before any file has a letter by it.
  await writeBeside(folder, 'dovecot-keywords', [formatKeywords([...keywords.keys()])]);

  const files = new Map((await listMaildir(directory)).map((file) => [file.unique, file]));
  /** Names without flags, of what is there. */
  const bases = new Map<string, string>();
  const wanted: number[] = [];
  const pace = new Pace();
  for (const index of folder.indexes) {
    await pace.pause();
    const message = messageAt(view, index);
    const unique = uniqueName(view, index);
    const file = files.get(unique);
    if (file === undefined) {
      wanted.push(index);
      continue;
    }
    bases.set(unique, file.base);
    report.before++;
    folder.done();
    const name = `${file.base}:2,${lettersOfFlags(message.flags, keywords)}`;
    if (file.place === 'cur' && file.file === name) continue;
    await rename(join(directory, file.place, file.file), join(directory, 'cur', name));
  }
  files.clear();

  await writeEach(folder, wanted, async (message) => {
    const unique = uniqueName(view, view.indexOf(message.uid));
    const base = await writeMessage(folder, message, unique, keywords);
    if (base !== null) bases.set(unique, base);
  });
  await nodeFiles.syncDirectory(join(directory, 'cur'));
  await writeBeside(folder, 'dovecot-uidlist', uidList(folder, bases));
  await writeExtraKeywords(folder, keywords);
}

/** @returns the name of its file without flags; null when its bytes can't be had */
async function writeMessage(
  folder: ExportFolder,
  message: OutgoingMessage,
  unique: string,
  keywords: ReadonlyMap<string, number>,
): Promise<string | null> {
  const { directory, crlf, report } = folder;
  const file = await FileOnTheWay.begin(join(directory, 'tmp', unique));
  let form: Form;
  try {
    form = await formOf(message, crlf);
    for await (const part of fileBytes(message, form, crlf)) await file.write(part);
  } catch (error) {
    await file.abandon();
    if (!isLoss(error)) throw error;
    folder.lost({ uid: message.uid, refusal: error });
    return null;
  }
  const base = `${unique},S=${form.fileBytes},W=${form.virtualBytes}${form.exact ? EXACT : ''}`;
  await file.done(join(directory, 'cur', `${base}:2,${lettersOfFlags(message.flags, keywords)}`), message.received);
  report.written++;
  report.bytes += form.wireBytes;
  folder.done();
  return base;
}

/** Never given twice, and the same in each run. */
function uniqueName(view: MailboxView, index: number): string {
  const { account, mailbox } = view.key;
  return `${view.received(index)}.A${account}M${mailbox}V${view.uidvalidity}U${view.uid(index)}.rainmail`;
}

/** Keywords with a letter: those that had one before, then the most frequent. */
async function keywordLetters(directory: string, view: MailboxView): Promise<Map<string, number>> {
  const letters = new Map<string, number>();
  for (const keyword of parseKeywords(await textOf(join(directory, 'dovecot-keywords')))) {
    if (keyword !== undefined) letters.set(keyword, letters.size);
  }
  const counts = new Map<string, number>();
  const pace = new Pace();
  for (let index = 0; index < view.length; index++) {
    await pace.pause();
    for (const keyword of keywordsOf(view, index)) counts.set(keyword, (counts.get(keyword) ?? 0) + 1);
  }
  for (const [keyword] of [...counts].sort((a, b) => b[1] - a[1])) {
    if (letters.size < MOST_KEYWORDS && !letters.has(keyword)) letters.set(keyword, letters.size);
  }
  return letters;
}

function keywordsOf(view: MailboxView, index: number): string[] {
  return messageAt(view, index).flags.filter((flag) => !flag.startsWith('\\'));
}

async function* uidList({ view, indexes }: ExportFolder, bases: ReadonlyMap<string, string>): AsyncGenerator<string> {
  const pace = new Pace();
  yield uidListHeader(view.uidvalidity, view.uidnext);
  for (const index of indexes) {
    await pace.pause();
    const base = bases.get(uniqueName(view, index));
    if (base !== undefined) yield uidListLine(view.uid(index), view.uidl(index), base);
  }
}

/** Keywords for which no letter was left. */
async function writeExtraKeywords(folder: ExportFolder, letters: ReadonlyMap<string, number>): Promise<void> {
  const { view, indexes, directory } = folder;
  const lines: string[] = [];
  const pace = new Pace();
  for (const index of indexes) {
    await pace.pause();
    const extra = keywordsOf(view, index).filter((keyword) => !letters.has(keyword));
    if (extra.length > 0) lines.push(formatExtraKeywords(uniqueName(view, index), extra));
  }
  if (lines.length > 0) await writeBeside(folder, EXTRA_KEYWORDS, lines);
  else await rm(join(directory, EXTRA_KEYWORDS), { force: true });
}

async function writeBeside(
  { directory }: ExportFolder,
  name: string,
  parts: Iterable<string> | AsyncIterable<string>,
): Promise<void> {
  await writeWhole(join(directory, name), join(directory, 'tmp', name), parts);
}
