/** What senders ask of reports: the parameters of RFC 3461 4 for MAIL and RCPT. Pure. */
import { isUtf8 } from 'node:buffer';
import { BadCommand } from '../../errors.ts';
import type { Notify, OutboundOptions } from '../../store/types.ts';

/** RFC 3461 4.4 */
const MOST_ENVELOPE_ID = 100;
/** RFC 3461 4.2 */
const MOST_ORIGINAL = 500;
const XTEXT = /^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$/;
/** RFC 6533 3: what is beyond ASCII, or has a meaning of its own, by its number. */
const EMBEDDED = /\\x\{(?:[1-9A-F][0-9A-F]|[1-9A-F][0-9A-F]{2,4}|10[0-9A-F]{4})\}/g;
const NOTIFY: ReadonlySet<string> = new Set<Notify>(['success', 'failure', 'delay']);

/** RET: how much of the message a report gives back. @throws BadCommand */
export function parseReturns(value: string | null): NonNullable<OutboundOptions['returns']> {
  switch (value?.toUpperCase()) {
    case 'FULL':
      return 'full';
    case 'HDRS':
      return 'headers';
    default:
      throw new BadCommand('RET is FULL or HDRS');
  }
}

/** ENVID: what the sender knows the message by. @throws BadCommand */
export function parseEnvelopeId(value: string | null): string {
  const id = value === null || value.length > MOST_ENVELOPE_ID ? '' : decodeXtext(value);
  if (id === '' || !isPrintable(id)) {
    throw new BadCommand(`ENVID is 1 to ${MOST_ENVELOPE_ID} characters of printable ASCII, encoded as xtext`);
  }
  return id;
}

/** NOTIFY: of what the sender wants to hear. @throws BadCommand */
export function parseNotify(value: string | null): Notify[] {
  const words = value?.toLowerCase().split(',') ?? [];
  if (words.length === 1 && words[0] === 'never') return ['never'];
  if (words.length === 0 || new Set(words).size < words.length || !words.every((word) => NOTIFY.has(word))) {
    throw new BadCommand('NOTIFY is NEVER, or some of SUCCESS,FAILURE,DELAY');
  }
  return words as Notify[];
}

/**
 * ORCPT: the address that the sender wrote to, as it goes on to the next server and stands in reports: its type, a semicolon, and the address
 * decoded; one of the type `utf-8` in ASCII (RFC 6533 3).
 *
 * @param value  one character a byte
 * @throws BadCommand
 */
export function parseOriginal(value: string | null, utf8: boolean): string {
  const malformed = new BadCommand('ORCPT is a type of address, a semicolon and an address encoded as xtext');
  const [, type, text] = /^([A-Za-z0-9-]{1,64});(.+)$/s.exec(value ?? '') ?? [];
  if (type === undefined || text === undefined || value!.length > MOST_ORIGINAL) throw malformed;
  const address = type.toLowerCase() === 'utf-8' ? international(text, utf8) : decodeXtext(text);
  if (address === undefined || !isPrintable(address)) throw malformed;
  return `${type.toLowerCase()};${address}`;
}

/** Undefined for what is none. */
function international(text: string, utf8: boolean): string | undefined {
  if (/^[\x21-\x7e]*$/.test(text)) return /[+=\\]/.test(text.replace(EMBEDDED, '')) ? undefined : text;
  const bytes = Buffer.from(text, 'latin1');
  if (!utf8 || !isUtf8(bytes)) return undefined;
  const embed = (character: string) => `\\x{${character.codePointAt(0)!.toString(16).toUpperCase()}}`;
  return bytes.toString('utf8').replace(/[^\x21-\x7e]|[+=\\]/gu, embed);
}

/** RFC 3461 4: one character a byte. @throws BadCommand */
export function decodeXtext(text: string): string {
  if (!XTEXT.test(text)) throw new BadCommand('That is not xtext (RFC 3461 4)');
  return text.replace(/\+(..)/g, (_whole, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function isPrintable(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}
