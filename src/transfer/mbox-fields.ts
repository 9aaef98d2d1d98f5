/**
 * The header fields in which programs keep flags, UIDs and the like in an mbox. They belong to the file, not to the message: they are taken
 * out of it, so that the message is again what was received. Pure.
 *
 * Our own writer begins a message with `X-Rainmail: fields=N`, and the N fields after it: exactly these are taken out then, so that a message
 * that has such fields of its own keeps them.
 */
import type { EpochSeconds } from '../store/ids.ts';
import { isKeyword } from './keywords.ts';

export interface MboxFields {
  /** The message's own header. */
  readonly header: Buffer;
  readonly flags: readonly string[];
  /** POP3's unique id, where the file tells. */
  readonly uidl: string | null;
  readonly uid: number | null;
  /** Of the mailbox; stands with its first message. */
  readonly uidvalidity: number | null;
  /** The body's line ends are as they were received: they are not to be changed. */
  readonly exact: boolean;
  /** The message's last line has no end; the one in the file was added. */
  readonly open: boolean;
  /** Why this is no message: the mailbox's own data, or a message removed before. */
  readonly noMessage: 'internal' | 'removed' | null;
}

/** What our writer tells of a message. */
export interface MboxTold {
  readonly flags: readonly string[];
  readonly uid: number;
  readonly uidl: string;
  readonly exact: boolean;
  readonly open: boolean;
}

const OURS = 'X-Rainmail';
const MARK = /^X-Rainmail: fields=(\d{1,2})((?: [a-z]+)*)\r?\n$/;
const KEPT =
  /^(?:Status|X-Status|X-Keywords|X-UID|X-IMAP|X-IMAPbase|X-Mozilla-Status2?|X-Mozilla-Keys|X-Evolution|Content-Length)$/i;
const STATUS_LETTERS = { R: '\\Seen', A: '\\Answered', F: '\\Flagged', D: '\\Deleted', T: '\\Draft' } as const;

/** Splits what programs noted from a message's own header. */
export function mboxFields(header: Buffer): MboxFields {
  const lines =
    header
      .toString('latin1')
      .match(/[^\n]*(?:\n|$)/g)
      ?.filter((line) => line !== '') ?? [];
  const marked = MARK.exec(lines[0] ?? '');
  const noted = new Map<string, string>();
  let own: string[];
  if (marked !== null) {
    const count = Number(marked[1]) + 1;
    for (const line of lines.slice(1, count)) note(noted, line);
    own = lines.slice(count);
  } else {
    own = [];
    let taken = false;
    for (const line of lines) {
      const folded = /^[ \t]/.test(line);
      if (!folded) taken = KEPT.test(line.slice(0, Math.max(0, line.indexOf(':'))).trimEnd());
      if (!taken) own.push(line);
      else if (folded) for (const [name, value] of [...noted].slice(-1)) noted.set(name, `${value} ${line.trim()}`);
      else note(noted, line);
    }
  }
  const told = (name: string): string => noted.get(name.toLowerCase()) ?? '';
  const base = /^(\d+) \d+(.*)/.exec(told('X-IMAPbase') || told('X-IMAP'));
  const mozilla = Number.parseInt(told('X-Mozilla-Status') || '0', 16) || 0;
  const words = marked?.[2]?.split(' ') ?? [];
  const internal = noted.has('x-imap') && /^Subject: DON'T DELETE THIS MESSAGE/m.test(own.join(''));
  return {
    header: own.length === lines.length ? header : Buffer.from(own.join(''), 'latin1'),
    flags: flagsNoted(told, mozilla),
    uidl: told('X-UIDL') || null,
    uid: positive(told('X-UID')),
    uidvalidity: positive(base?.[1] ?? ''),
    exact: words.includes('exact'),
    open: words.includes('open'),
    noMessage: internal ? 'internal' : (mozilla & MOZILLA_EXPUNGED) !== 0 ? 'removed' : null,
  };
}

/** True when our writer wrote the message: whatever else stands in its header is the message's own. */
export function isMarked(header: Buffer): boolean {
  return MARK.test(header.toString('latin1', 0, header.indexOf('\n') + 1));
}

function note(noted: Map<string, string>, line: string): void {
  const colon = line.indexOf(':');
  const name = line.slice(0, colon).trimEnd().toLowerCase();
  // The first of several counts, as in other readers.
  if (!noted.has(name)) noted.set(name, line.slice(colon + 1).trim());
}

function positive(text: string): number | null {
  return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : null;
}

const MOZILLA_EXPUNGED = 0x0008;
/** Bits of X-Mozilla-Status. */
const MOZILLA: readonly (readonly [bit: number, flag: string])[] = [
  [0x0001, '\\Seen'],
  [0x0002, '\\Answered'],
  [0x0004, '\\Flagged'],
  [0x1000, '$Forwarded'],
];
/** Bits of the second number of X-Evolution. */
const EVOLUTION: readonly (readonly [bit: number, flag: string])[] = [
  [0x01, '\\Answered'],
  [0x02, '\\Deleted'],
  [0x04, '\\Draft'],
  [0x08, '\\Flagged'],
  [0x10, '\\Seen'],
];

function flagsNoted(told: (name: string) => string, mozilla: number): string[] {
  const letters = told('Status') + told('X-Status');
  const evolution = Number.parseInt(/^[0-9a-f]+-([0-9a-f]+)/i.exec(told('X-Evolution'))?.[1] ?? '0', 16);
  const flags = new Set<string>();
  for (const [letter, flag] of Object.entries(STATUS_LETTERS)) if (letters.includes(letter)) flags.add(flag);
  for (const [bit, flag] of MOZILLA) if ((mozilla & bit) !== 0) flags.add(flag);
  for (const [bit, flag] of EVOLUTION) if ((evolution & bit) !== 0) flags.add(flag);
  for (const keyword of `${told('X-Keywords')} ${told('X-Mozilla-Keys')}`.split(/[ \t]+/)) {
    if (isKeyword(keyword)) flags.add(keyword);
  }
  return [...flags];
}

/** The lines that stand before a message in our mbox files, ended by `\n`. */
export function toldFields({ flags, uid, uidl, exact, open }: MboxTold): string {
  const has = (flag: string) => flags.includes(flag);
  const letters = (from: string) =>
    Object.entries(STATUS_LETTERS).flatMap(([letter, flag]) => (from.includes(letter) && has(flag) ? [letter] : []));
  const keywords = flags.filter((flag) => !flag.startsWith('\\'));
  // O: not new any more, by the custom of mbox.
  const fields = [`Status: ${letters('R').join('')}O`];
  if (letters('AFDT').length > 0) fields.push(`X-Status: ${letters('AFDT').join('')}`);
  if (keywords.length > 0) fields.push(`X-Keywords: ${keywords.join(' ')}`);
  fields.push(`X-UID: ${uid}`, `X-UIDL: ${uidl}`);
  const mark = `${OURS}: fields=${fields.length}${exact ? ' exact' : ''}${open ? ' open' : ''}`;
  return `${[mark, ...fields].join('\n')}\n`;
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** The From line of a message, ended by `\n`: its time is UTC (RFC 4155 appendix A). @param sender empty: not known */
export function fromLine(sender: string, received: EpochSeconds): string {
  const date = new Date(received * 1_000);
  const two = (value: number) => String(value).padStart(2, '0');
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(':');
  const day = `${DAYS[date.getUTCDay()]} ${MONTHS[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2)}`;
  const name = /^[\x21-\x7e]{1,320}$/.test(sender) ? sender : 'MAILER-DAEMON';
  return `From ${name} ${day} ${time} ${String(date.getUTCFullYear()).padStart(4, '0')}\n`;
}
