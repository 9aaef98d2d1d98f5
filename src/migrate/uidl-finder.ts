/** Finds the POP3 ids of an INBOX that is read over IMAP: from the source's POP3 service, or worked out, or both, the one proving the other. */
import { Refused } from '../errors.ts';
import { hashHeader } from './origin.ts';
import type { Listing, Source, SourceFolder, SourceMessage } from './source.ts';
import { type Match, matchByHeader, matchBySize, type UidlFormat } from './uidl.ts';

export interface UidlsFound {
  /** By the id of the message over IMAP. */
  readonly uidls: ReadonlyMap<string, string>;
  readonly notes: readonly string[];
}

export class UidlFinder {
  readonly #pop3: Source | undefined;
  readonly #format: UidlFormat | undefined;

  constructor(pop3: Source | undefined, format: UidlFormat | undefined) {
    this.#pop3 = pop3;
    this.#format = format;
  }

  /**
   * @param fresh  the messages whose ids are wanted
   * @throws Refused `source.unusable` when the format is not how the source makes its ids
   */
  async find(
    imap: Source,
    inbox: SourceFolder,
    listing: Listing,
    fresh: readonly SourceMessage[],
  ): Promise<UidlsFound> {
    const uidvalidity = Number(listing.generation);
    const made = (message: SourceMessage) => this.#format!(Number(message.id), uidvalidity);
    if (this.#pop3 === undefined) {
      if (this.#format === undefined) return { uidls: new Map(), notes: [] };
      return { uidls: new Map(fresh.map((message) => [message.id, made(message)])), notes: [] };
    }
    const matches = await this.#match(imap, this.#pop3, inbox, listing, fresh);
    await this.#pop3.close(); // a POP3 session keeps others out of the mailbox
    if (this.#format !== undefined) {
      const wrong = matches.find(({ imap: message, pop3 }) => made(message) !== pop3.uidl);
      if (wrong !== undefined) {
        throw new Refused(
          'source.unusable',
          `The source does not make its unique ids in that way: message ${wrong.imap.id} of INBOX has ${wrong.pop3.uidl}, not ${made(wrong.imap)}. Leave --uidl-format out.`,
        );
      }
    }
    const uidls = new Map(matches.map(({ imap: message, pop3 }) => [message.id, pop3.uidl!]));
    if (this.#format !== undefined) for (const message of fresh) uidls.set(message.id, made(message));
    const without = fresh.filter(({ id }) => !uidls.has(id)).length;
    const notes = without === 0 ? [] : [`${without} messages of INBOX are not in the POP3 maildrop: no unique id.`];
    return { uidls, notes };
  }

  async #match(
    imap: Source,
    pop3: Source,
    inbox: SourceFolder,
    listing: Listing,
    fresh: readonly SourceMessage[],
  ): Promise<readonly Match[]> {
    const maildrop = (await pop3.list(inbox)).messages;
    const { sure, unsure, samples } = matchBySize(listing.messages, maildrop);
    const read = async (source: Source, messages: readonly SourceMessage[]) => {
      const headers = new Map<string, string>();
      for await (const { message, header } of source.headers(inbox, messages))
        headers.set(message.id, hashHeader(header));
      return headers;
    };
    const compare = async (ours: readonly SourceMessage[], theirs: readonly SourceMessage[]) =>
      matchByHeader({ imap: ours, pop3: theirs }, { imap: await read(imap, ours), pop3: await read(pop3, theirs) });
    if (samples.length > 0) {
      const [ours, theirs] = [samples.map((pair) => pair.imap), samples.map((pair) => pair.pop3)];
      const proven = await compare(ours, theirs);
      const right = new Map(samples.map((pair) => [pair.imap.id, pair.pop3.id]));
      if (proven.length < samples.length || proven.some((pair) => right.get(pair.imap.id) !== pair.pop3.id))
        return compare(fresh, maildrop);
    }
    const wanted = new Set(fresh.map(({ id }) => id));
    const open = unsure.imap.filter(({ id }) => wanted.has(id));
    if (open.length === 0) return sure;
    // Those of the same size first: where both services count alike, no other header need be read.
    const sizes = new Set(open.map(({ sizeBytes }) => sizeBytes));
    const first = await compare(
      open,
      unsure.pop3.filter(({ sizeBytes }) => sizes.has(sizeBytes)),
    );
    const [oursFound, theirsFound] = [
      new Set(first.map((pair) => pair.imap.id)),
      new Set(first.map((pair) => pair.pop3.id)),
    ];
    const ours = open.filter(({ id }) => !oursFound.has(id));
    const theirs = unsure.pop3.filter(({ id, sizeBytes }) => !theirsFound.has(id) && !sizes.has(sizeBytes));
    const second = ours.length === 0 || theirs.length === 0 ? [] : await compare(ours, theirs);
    return [...sure, ...first, ...second];
  }
}
