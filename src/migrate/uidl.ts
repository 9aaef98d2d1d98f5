/**
 * The ids that POP3 clients know messages by: kept, so that nobody downloads old mail again. They come from the source's POP3 service, whose
 * messages are matched with those of its IMAP INBOX, or are worked out where it is known how the source makes them. Pure.
 */
import { BadCommand } from '../errors.ts';
import { DOVECOT_UIDL, isUidlFormat, uidlByFormat } from '../uidl-format.ts';
import type { SourceMessage } from './source.ts';

/** How known servers make a unique id of UID and UIDVALIDITY (uidl-format.ts). */
const KNOWN_FORMATS: Readonly<Record<string, string>> = {
  dovecot: DOVECOT_UIDL,
  'dovecot-old': '%v.%u',
  cyrus: '%v.%u',
};

export type UidlFormat = (uid: number, uidvalidity: number) => string;

/** A format by its name or in Dovecot's notation; files have no names here. @throws BadCommand */
export function uidlFormat(text: string): UidlFormat {
  const format = KNOWN_FORMATS[text] ?? text;
  const example = { uid: 1, uidvalidity: 1, file: null };
  if (!isUidlFormat(format) || uidlByFormat(format, example) === null) {
    throw new BadCommand(
      `“${text}” is no format of unique ids that can be worked out: say ${Object.keys(KNOWN_FORMATS).join(', ')}, or one with %u and %v such as %08Xu%08Xv`,
    );
  }
  return (uid, uidvalidity) => uidlByFormat(format, { uid, uidvalidity, file: null })!;
}

/** A message of the maildrop and one of the INBOX that are the same. */
export interface Match {
  readonly imap: SourceMessage;
  readonly pop3: SourceMessage;
}

export interface Matched {
  readonly sure: readonly Match[];
  /** Messages that only their headers can tell apart. */
  readonly unsure: { readonly imap: readonly SourceMessage[]; readonly pop3: readonly SourceMessage[] };
}

/** Pairs whose headers are compared to prove that both services list in the same order. */
const SAMPLES = 16;

/**
 * Matches by order and size. Where both services list the same sizes in the same order, they list the same messages; a few that another order
 * might confuse are to be compared. Else what has a size of its own is sure, and the rest is not.
 */
export function matchBySize(
  imap: readonly SourceMessage[],
  pop3: readonly SourceMessage[],
): Matched & { samples: readonly Match[] } {
  const aligned =
    imap.length === pop3.length && imap.every(({ sizeBytes }, index) => sizeBytes === pop3[index]!.sizeBytes);
  const [ofImap, ofPop3] = [bySize(imap), bySize(pop3)];
  if (aligned) {
    const pairs = imap.map((message, index) => ({ imap: message, pop3: pop3[index]! }));
    const alike = pairs.filter(({ imap: { sizeBytes } }) => ofImap.get(sizeBytes)!.length > 1);
    const step = Math.max(1, Math.floor(alike.length / SAMPLES));
    return { sure: pairs, unsure: { imap: [], pop3: [] }, samples: alike.filter((_, index) => index % step === 0) };
  }
  const sure: Match[] = [];
  const unsure = { imap: [] as SourceMessage[], pop3: [] as SourceMessage[] };
  for (const [size, messages] of ofImap) {
    const others = ofPop3.get(size) ?? [];
    if (messages.length === 1 && others.length === 1) sure.push({ imap: messages[0]!, pop3: others[0]! });
    else unsure.imap.push(...messages);
  }
  const matched = new Set(sure.map(({ pop3: message }) => message.id));
  unsure.pop3.push(...pop3.filter(({ id }) => !matched.has(id)));
  return { sure, unsure, samples: [] };
}

/** Matches by header; of messages with the same header the first is the first. @param header  by id */
export function matchByHeader(
  { imap, pop3 }: Matched['unsure'],
  headers: { readonly imap: ReadonlyMap<string, string>; readonly pop3: ReadonlyMap<string, string> },
): Match[] {
  const waiting = new Map<string, SourceMessage[]>();
  for (const message of pop3) {
    const header = headers.pop3.get(message.id);
    if (header !== undefined) waiting.set(header, [...(waiting.get(header) ?? []), message]);
  }
  return imap.flatMap((message) => {
    const other = waiting.get(headers.imap.get(message.id) ?? '')?.shift();
    return other === undefined ? [] : [{ imap: message, pop3: other }];
  });
}

function bySize(messages: readonly SourceMessage[]): Map<number, SourceMessage[]> {
  const groups = new Map<number, SourceMessage[]>();
  for (const message of messages) {
    const group = groups.get(message.sizeBytes);
    if (group === undefined) groups.set(message.sizeBytes, [message]);
    else group.push(message);
  }
  return groups;
}
