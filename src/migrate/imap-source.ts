/**
 * A mailbox read over IMAP (imap-client.ts).
 *
 * Memory is bounded whatever the source says of its sizes: of each message the first megabyte at most is asked for, many messages with one
 * command, and the rest of a larger one megabyte by megabyte. A literal beyond that ends the connection.
 */
import type { FetchMessageObject, FetchQueryObject, ImapFlow, ListResponse } from 'imapflow';
import type { Role } from '../store/types.ts';
import type { Endpoint, SignIn } from './connect.ts';
import { localPaths } from './folder-names.ts';
import { ImapClient, PIECE } from './imap-client.ts';
import {
  type Fetched,
  type FetchedHeader,
  HEADER_BYTES,
  type Listing,
  type Source,
  type SourceFolder,
  type SourceFolders,
  type SourceMessage,
} from './source.ts';
import { isLater, SourceSaidNo } from './trouble.ts';

/** Messages asked for with one command. */
const BATCH = 500;
/** Attempts at one message, alone, before it is given up for this run. */
const ATTEMPTS = 3;

export class ImapSource implements Source {
  readonly id: string;
  readonly #client: ImapClient;
  readonly #roles: ReadonlyMap<Role, string>;
  /** UIDVALIDITY when the folder was listed: UIDs mean nothing under another (RFC 9051 2.3.1.1). */
  readonly #listed = new Map<string, string>();

  /** @param roles  paths of the folders here that are used for something */
  constructor(id: string, endpoint: Endpoint, signIn: SignIn, roles: ReadonlyMap<Role, string>, signal: AbortSignal) {
    this.id = id;
    this.#client = new ImapClient(endpoint, signIn, signal);
    this.#roles = roles;
  }

  async folders(): Promise<SourceFolders> {
    const { listed, namespaces } = await this.#client.patiently(async (client) => {
      const found = await client.list();
      return { listed: found, namespaces: client.namespaces };
    });
    const notes: string[] = [];
    const own: ListResponse[] = [];
    for (const folder of listed) {
      const { path, flags } = folder;
      if (path === '') continue;
      if (!isOwn(folder, namespaces)) notes.push(`“${path}” belongs to others, or to all: left out.`);
      else if (folder.specialUseSource === 'extension' && VIEWS.has(folder.specialUse ?? ''))
        notes.push(`“${path}” shows mail that is in other folders: left out.`);
      else if (!flags.has('\\Noselect')) own.push(folder);
    }
    const prefix = namespaces?.personal?.[0]?.prefix ?? '';
    const named = own.map((folder) => ({
      name: folder.path,
      delimiter: folder.delimiter ?? '',
      role: ROLES[folder.specialUse ?? ''] ?? null,
      subscribed: folder.subscribed,
    }));
    const paths = localPaths(named, prefix, this.#roles);
    const folders = named.map(({ name, role, subscribed }) => ({ name, role, subscribed, path: paths.get(name)! }));
    return { folders, notes };
  }

  async list(folder: SourceFolder): Promise<Listing> {
    const listing = await this.#client.patiently(async (client) => {
      const { uidValidity, exists } = await this.#client.examine(client, folder.name);
      const messages = new Map<number, SourceMessage>();
      if (exists > 0) {
        const wanted = { uid: true, flags: true, internalDate: true, size: true } as const;
        for await (const row of client.fetch('1:*', wanted)) {
          if (row.uid > 0 && row.size !== undefined) messages.set(row.uid, messageOf(row.uid, row));
        }
      }
      const ordered = [...messages.entries()].sort(([a], [b]) => a - b).map(([, message]) => message);
      return { generation: uidValidity.toString(), messages: ordered, complete: messages.size >= exists };
    });
    this.#listed.set(folder.name, listing.generation);
    return listing;
  }

  async *headers(folder: SourceFolder, messages: readonly SourceMessage[]): AsyncGenerator<FetchedHeader, void, void> {
    const query = { uid: true, bodyParts: [{ key: 'HEADER', start: 0, maxLength: HEADER_BYTES }] };
    for await (const { message, row } of this.#rows(folder, messages, query)) {
      if (row?.headers !== undefined) yield { message, header: row.headers };
    }
  }

  /** In the order of the source, so that mail keeps its order for those who look at UIDs. */
  async *messages(folder: SourceFolder, messages: readonly SourceMessage[]): AsyncGenerator<Fetched, void, void> {
    let run: SourceMessage[] = [];
    for (const message of messages) {
      if (message.sizeBytes < PIECE) {
        run.push(message);
        continue;
      }
      yield* this.#small(folder, run);
      yield* this.#large(folder, message);
      run = [];
    }
    yield* this.#small(folder, run);
  }

  async *#small(folder: SourceFolder, messages: readonly SourceMessage[]): AsyncGenerator<Fetched, void, void> {
    const query = { uid: true, flags: true, internalDate: true, source: { start: 0, maxLength: PIECE } };
    const larger: SourceMessage[] = [];
    for await (const { message, row, problem } of this.#rows(folder, messages, query)) {
      if (row === undefined) yield { message, problem };
      else if (row.source === undefined) yield { message, problem: 'the source gave no content' };
      else if (row.source.length < PIECE) yield { message: refreshed(message, row), content: once(row.source) };
      else larger.push(message); // than it was said to be: in pieces, when this command is through
    }
    for (const message of larger) yield* this.#large(folder, message);
  }

  async *#large(folder: SourceFolder, message: SourceMessage): AsyncGenerator<Fetched, void, void> {
    let broken: Error | undefined;
    const content = this.#pieces(folder, message, (error) => {
      broken = error;
    });
    yield { message, content };
    if (broken !== undefined) yield { message, problem: broken.message };
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  cut(): void {
    this.#client.cut();
  }

  // ---- rows

  /**
   * What a FETCH gives for messages, row by row. After a failure the rest is asked for again; where that brings nothing, the first alone,
   * since servers answer in order: so a message that breaks the source is found, and costs itself.
   */
  async *#rows(
    folder: SourceFolder,
    messages: readonly SourceMessage[],
    query: FetchQueryObject,
  ): AsyncGenerator<Row, void, void> {
    for (let from = 0; from < messages.length; from += BATCH) {
      const remaining = new Map(messages.slice(from, from + BATCH).map((message) => [message.id, message]));
      for (let attemptsAlone = 0; remaining.size > 0; ) {
        const asked = [...remaining.values()].slice(0, attemptsAlone > 0 ? 1 : undefined);
        const before = remaining.size;
        try {
          const client = await this.#client.opened(folder.name, this.#listed.get(folder.name));
          for await (const row of client.fetch(uidSet(asked), query, { uid: true })) {
            const message = remaining.get(String(row.uid));
            // A server may tell of other messages too, or of a change of flags alone (RFC 9051 7.5.2).
            if (message === undefined || (row.source === undefined && row.headers === undefined)) continue;
            remaining.delete(message.id);
            this.#client.patience.renew();
            yield { message, row };
          }
          for (const message of asked) {
            if (remaining.delete(message.id)) yield { message, problem: 'the source gave nothing for it' };
          }
          attemptsAlone = 0;
        } catch (error) {
          const failure = this.#client.troubled(error);
          const final = failure instanceof SourceSaidNo && !isLater(failure);
          if (!final) await this.#client.patience.afterFailure(failure);
          if (remaining.size < before) attemptsAlone = 0;
          else if (asked.length > 1 || (!final && attemptsAlone < ATTEMPTS)) attemptsAlone += 1;
          else {
            const [message] = asked;
            remaining.delete(message!.id);
            if (!final) this.#client.patience.gaveUp(failure);
            yield { message: message!, problem: failure.message };
            attemptsAlone = 0;
          }
        }
      }
    }
  }

  /** The content of a large message. Goes on where it was when the connection breaks. @throws SourceSaidNo, SourceLost, and tells `onBroken` */
  async *#pieces(
    folder: SourceFolder,
    { id }: SourceMessage,
    onBroken: (error: Error) => void,
  ): AsyncGenerator<Buffer, void, void> {
    for (let at = 0, attempts = 1; ; ) {
      let piece: Buffer;
      try {
        const client = await this.#client.opened(folder.name, this.#listed.get(folder.name));
        const row = await client.fetchOne(id, { uid: true, source: { start: at, maxLength: PIECE } }, { uid: true });
        if (row === false) throw new SourceSaidNo('the message is gone', undefined);
        piece = row.source ?? Buffer.alloc(0); // RFC 9051 6.4.5: nothing, when there is nothing from there on
      } catch (error) {
        const failure = this.#client.troubled(error);
        attempts += 1;
        if (attempts > ATTEMPTS || (failure instanceof SourceSaidNo && !isLater(failure))) {
          onBroken(failure);
          throw failure;
        }
        await this.#client.patience.afterFailure(failure);
        continue;
      }
      this.#client.patience.renew();
      attempts = 1;
      at += piece.length;
      if (piece.length > 0) yield piece;
      if (piece.length < PIECE) return;
    }
  }
}

type Row =
  | { readonly message: SourceMessage; readonly row: FetchMessageObject; readonly problem?: undefined }
  | { readonly message: SourceMessage; readonly row?: undefined; readonly problem: string };

/** Special uses that hold mail of their own (RFC 6154 2), as imapflow says them. */
const ROLES: Readonly<Record<string, Role>> = {
  '\\Inbox': 'inbox',
  '\\Drafts': 'drafts',
  '\\Sent': 'sent',
  '\\Archive': 'archive',
  '\\Junk': 'junk',
  '\\Trash': 'trash',
};

/** Those that show mail of other folders (RFC 6154 2, RFC 8457). */
const VIEWS = new Set(['\\All', '\\Flagged', '\\Important']);

/** A sequence set of just these UIDs, ascending (RFC 9051 4.1.1): runs as ranges, so that commands stay short. */
function uidSet(messages: readonly SourceMessage[]): string {
  const ranges: [first: number, last: number][] = [];
  for (const { id } of messages) {
    const [uid, range] = [Number(id), ranges.at(-1)];
    if (range?.[1] === uid - 1) range[1] = uid;
    else ranges.push([uid, uid]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}:${last}`)).join(',');
}

/** True for the person's own folders: those in a namespace of others or of all are not theirs to take along (RFC 2342). */
function isOwn({ path }: ListResponse, namespaces: ImapFlow['namespaces']): boolean {
  if (path.toUpperCase() === 'INBOX' || !namespaces) return true;
  const longest = (list: readonly { prefix: string }[] | false | undefined) =>
    Math.max(-1, ...(list || []).filter(({ prefix }) => path.startsWith(prefix)).map(({ prefix }) => prefix.length));
  return longest(namespaces.personal) >= Math.max(longest(namespaces.other), longest(namespaces.shared));
}

interface Attributes {
  readonly size?: number | undefined;
  readonly flags?: ReadonlySet<string> | undefined;
  readonly internalDate?: Date | string | undefined;
}

function messageOf(uid: number, { size = 0, flags = new Set(), internalDate }: Attributes): SourceMessage {
  return { id: String(uid), sizeBytes: size, received: secondsOf(internalDate), flags: plainFlags(flags) };
}

/** As it is now: its flags may have changed since it was listed. */
function refreshed(message: SourceMessage, { flags }: Attributes): SourceMessage {
  return flags === undefined ? message : { ...message, flags: plainFlags(flags) };
}

function plainFlags(flags: ReadonlySet<string>): string[] {
  return [...flags].filter((flag) => flag.toLowerCase() !== '\\recent').sort();
}

function secondsOf(date: Date | string | undefined): number | null {
  const time = date === undefined ? Number.NaN : new Date(date).getTime();
  return Number.isFinite(time) ? Math.floor(time / 1_000) : null;
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer, void, void> {
  if (bytes.length > 0) yield bytes;
}
