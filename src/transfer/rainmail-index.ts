/**
 * What our exports note beside the mail, where a format has no place for it. Plain text that anyone can read:
 *
 * - `rainmail.json` at the top: whose mail it is, in which format, and of each folder its name, special use and where it lies. An export that
 *   is run again knows by it what is done; an import knows the folders' true names.
 * - `rainmail-keywords` in a Maildir folder: keywords beyond the 26 the format has letters for. Lines of a unique name and keywords.
 * - `messages.jsonl` in a directory of .eml files: a line of JSON a message, with flags, date and POP3's unique id.
 */
import { z } from 'zod';

export const INDEX = 'rainmail.json';
export const EXTRA_KEYWORDS = 'rainmail-keywords';
export const MESSAGES = 'messages.jsonl';

export const FORMATS = ['maildir', 'mbox', 'eml'] as const;
export type Format = (typeof FORMATS)[number];

const ROLES = ['inbox', 'drafts', 'sent', 'archive', 'junk', 'trash', 'all', 'flagged', 'important'] as const;

const indexedFolder = z.object({
  /** With `/` between its parts. */
  name: z.string(),
  /** Relative to the index; empty: beside it. */
  path: z.string().refine((path) => !path.startsWith('/') && !path.split('/').includes('..')),
  role: z.enum(ROLES).nullable(),
  subscribed: z.boolean(),
  /** The folder as it was when all of it had been written: while it is the same, nothing is to be done. Null: not finished. */
  written: z
    .object({ uidvalidity: z.number(), modseq: z.number(), since: z.number().nullable(), bytes: z.number() })
    .nullable(),
});

const exportIndex = z.object({
  rainmail: z.literal('export'),
  version: z.literal(1),
  account: z.string(),
  format: z.enum(FORMATS),
  crlf: z.boolean(),
  folders: z.array(indexedFolder),
  /** Subscribed names that no folder has. */
  subscriptions: z.array(z.string()),
});

export type IndexedFolder = z.infer<typeof indexedFolder>;
export type ExportIndex = z.infer<typeof exportIndex>;

/** @returns null when the text is no index of ours */
export function parseIndex(text: string): ExportIndex | null {
  const parsed = exportIndex.safeParse(json(text));
  return parsed.success ? parsed.data : null;
}

export function formatIndex(index: ExportIndex): string {
  return `${JSON.stringify(index, null, 1)}\n`;
}

const indexedMessage = z.object({
  file: z.string(),
  flags: z.array(z.string()),
  received: z.iso.datetime(),
  uid: z.number(),
  uidl: z.string(),
});

export type IndexedMessage = z.infer<typeof indexedMessage>;

/** Messages by their files' names. A line that is damaged is left out: its message comes without flags. */
export function parseMessages(text: string): Map<string, IndexedMessage> {
  const messages = new Map<string, IndexedMessage>();
  for (const line of text.split('\n')) {
    const parsed = indexedMessage.safeParse(line === '' ? null : json(line));
    if (parsed.success) messages.set(parsed.data.file, parsed.data);
  }
  return messages;
}

export function formatMessage(message: IndexedMessage): string {
  return `${JSON.stringify(message)}\n`;
}

export function parseExtraKeywords(text: string): Map<string, string[]> {
  const keywords = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [unique, ...names] = line.split(' ');
    if (unique !== '' && names.length > 0) keywords.set(unique!, names);
  }
  return keywords;
}

export function formatExtraKeywords(unique: string, keywords: readonly string[]): string {
  return `${[unique, ...keywords].join(' ')}\n`;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
