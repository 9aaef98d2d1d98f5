/**
 * Mail in files: an mbox, a Maildir with its folders (Maildir++), a message (.eml), or a folder full of these. Which of them a
 * path holds is found out by looking.
 */
import { createReadStream } from 'node:fs';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Refused } from '../errors.ts';
import { decodeModifiedUtf7 } from '../imap/syntax/mailbox-name.ts';
import type { EpochSeconds } from '../store/ids.ts';
import { MboxReader, mboxFlags } from './mbox.ts';

/** A message found in a file. Its content must be read before the next message is asked for. */
export interface FoundMessage {
  /** File and place, for reports. */
  readonly where: string;
  /** Folder it lies in, with `/` between the parts; empty at the top. */
  readonly folder: string;
  /** Its bytes, line ends as they are in the file. */
  readonly content: AsyncIterable<Buffer>;
  /** When it was received, if the file tells. */
  readonly received: EpochSeconds | null;
  /** Its flags. @param header the first 64 KB of the message: some formats keep flags there */
  flags(header: string): string[];
}

/**
 * Finds the messages at a path, oldest first where the format tells.
 * @throws Refused `import.unreadable` when there is no mail there or it can't be read
 */
export async function* findMessages(path: string): AsyncGenerator<FoundMessage, void> {
  try {
    const status = await stat(path);
    if (status.isFile()) yield* (await isMbox(path)) ? mbox(path, '') : eml(path, '');
    else if (await isMaildir(path)) yield* maildirTree(path);
    else yield* loose(path);
  } catch (error) {
    if (!isFileError(error)) throw error;
    throw new Refused('import.unreadable', `${error.path ?? path} can't be read (${error.code}).`, { cause: error });
  }
}

/** A folder that is no Maildir: the .eml and .mbox files in it, and the folders below it. */
async function* loose(path: string): AsyncGenerator<FoundMessage, void> {
  let found = false;
  for await (const message of looseIn(path, '')) {
    found = true;
    yield message;
  }
  if (!found) throw new Refused('import.unreadable', `${path} holds no mail: no Maildir, no .mbox and no .eml files.`);
}

async function* looseIn(path: string, folder: string): AsyncGenerator<FoundMessage, void> {
  const entries = await readdir(path, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const file = join(path, entry.name);
    if (entry.isDirectory()) {
      const below = nested(folder, entry.name);
      if (await isMaildir(file)) yield* maildir(file, below);
      else yield* looseIn(file, below);
    } else if (/\.eml$/i.test(entry.name)) yield* eml(file, folder);
    else if (/\.mbox$/i.test(entry.name)) yield* mbox(file, nested(folder, entry.name.slice(0, -'.mbox'.length)));
  }
}

function nested(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

// ---- mbox (RFC 4155) -------------------------------------------------------------------------------------------------

async function isMbox(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(5), 0, 5, 0);
    // An empty file is an mbox without messages.
    return bytesRead === 0 || buffer.toString('latin1', 0, bytesRead) === 'From ';
  } finally {
    await handle.close();
  }
}

async function* mbox(file: string, folder: string): AsyncGenerator<FoundMessage, void> {
  const events = mboxEvents(file);
  let next = await events.next();
  for (let number = 1; !next.done; number++) {
    // Between messages `next` is always the beginning of one: the reader says nothing before it.
    const { value } = next;
    const received = value.kind === 'message' ? value.received : null;
    const content = (async function* () {
      for (next = await events.next(); !next.done && next.value.kind === 'data'; next = await events.next()) {
        yield next.value.bytes;
      }
    })();
    yield { where: `${file}, message ${number}`, folder, received, content, flags: mboxFlags };
    // What the caller left unread.
    if (!next.done && next.value === value) next = await events.next();
    while (!next.done && next.value.kind === 'data') next = await events.next();
  }
}

async function* mboxEvents(file: string) {
  const reader = new MboxReader();
  for await (const chunk of createReadStream(file, { highWaterMark: CHUNK })) yield* reader.push(chunk as Buffer);
  yield* reader.end();
}

const CHUNK = 1 << 18;

// ---- Maildir and Maildir++ ---------------------------------------------------------------------------------------------

async function isMaildir(path: string): Promise<boolean> {
  const names = await readdir(path);
  return names.includes('cur') && names.includes('new');
}

async function* maildirTree(path: string): AsyncGenerator<FoundMessage, void> {
  yield* maildir(path, '');
  const names = (await readdir(path)).filter((name) => name.startsWith('.') && name.length > 1).sort();
  for (const name of names) {
    const below = join(path, name);
    if (!(await stat(below)).isDirectory() || !(await isMaildir(below))) continue;
    // Maildir++: `.Clients.Miller` is the folder Clients/Miller, in modified UTF-7.
    const parts = name.slice(1).split('.');
    yield* maildir(below, parts.map((part) => decodeModifiedUtf7(part) ?? part).join('/'));
  }
}

async function* maildir(path: string, folder: string): AsyncGenerator<FoundMessage, void> {
  const keywords = await dovecotKeywords(path);
  for (const place of ['cur', 'new']) {
    // A name begins with the time of delivery: their order is the order of arrival.
    const names = (await readdir(join(path, place))).filter((name) => !name.startsWith('.'));
    for (const name of names.sort(byDelivery)) {
      const file = join(path, place, name);
      const { mtimeMs } = await stat(file);
      yield {
        where: file,
        folder,
        received: Math.floor(mtimeMs / 1_000),
        content: chunksOf(file),
        flags: () => maildirFlags(name, keywords),
      };
    }
  }
}

function byDelivery(a: string, b: string): number {
  return Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1);
}

/** Flags in the name of a Maildir file: `:2,FRS`; small letters are keywords, by Dovecot's list. */
export function maildirFlags(name: string, keywords: readonly string[] = []): string[] {
  const letters = /[:;!]2,([A-Za-z]*)/.exec(basename(name))?.[1] ?? '';
  return [...letters].flatMap((letter) => {
    const flag = MAILDIR_FLAGS[letter] ?? keywords[letter.charCodeAt(0) - 97];
    return flag === undefined ? [] : [flag];
  });
}

const MAILDIR_FLAGS: Readonly<Record<string, string>> = {
  D: '\\Draft',
  F: '\\Flagged',
  P: '$Forwarded',
  R: '\\Answered',
  S: '\\Seen',
  T: '\\Deleted',
};

/** Names of the keywords a to z, from the file in which Dovecot keeps them: lines such as `0 $Forwarded`. */
async function dovecotKeywords(path: string): Promise<string[]> {
  const keywords: string[] = [];
  try {
    for (const line of (await readFile(join(path, 'dovecot-keywords'), 'utf8')).split('\n')) {
      const match = /^(\d{1,2}) (\S+)$/.exec(line);
      if (match !== null) keywords[Number(match[1])] = match[2]!;
    }
  } catch (error) {
    if (!isFileError(error) || error.code !== 'ENOENT') throw error;
  }
  return keywords;
}

// ---- single messages ---------------------------------------------------------------------------------------------------

async function* eml(file: string, folder: string): AsyncGenerator<FoundMessage, void> {
  yield { where: file, folder, received: null, content: chunksOf(file), flags: () => [] };
}

/** The file's bytes; it is opened when the first are asked for. */
async function* chunksOf(file: string): AsyncGenerator<Buffer, void> {
  for await (const chunk of createReadStream(file, { highWaterMark: CHUNK })) yield chunk as Buffer;
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}
