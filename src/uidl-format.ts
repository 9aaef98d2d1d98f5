/**
 * How POP3 servers make unique ids, in the notation of Dovecot's `pop3_uidl_format`: %u is the UID, %v the UIDVALIDITY, %f the name of the file;
 * before the letter a width, which 0 fills up, and X or x for hexadecimal digits. Pure.
 */

/** What Dovecot gives messages that have none noted, if nothing else is set. */
export const DOVECOT_UIDL = '%08Xu%08Xv';

const VARIABLE = /%(0?)(\d*)([Xx]?)([uvf])/g;

/** What an id is made of; null where it is not known. */
export interface UidlParts {
  readonly uid: number | null;
  readonly uidvalidity: number | null;
  readonly file: string | null;
}

/** The id of a message; null when it needs what is not known. */
export function uidlByFormat(format: string, { uid, uidvalidity, file }: UidlParts): string | null {
  let complete = true;
  const text = format.replace(VARIABLE, (_, zero: string, width: string, hex: string, letter: string) => {
    const value = { u: uid, v: uidvalidity, f: file }[letter as 'u' | 'v' | 'f'];
    if (value === null) {
      complete = false;
      return '';
    }
    if (typeof value === 'string') return value;
    // Small letters whichever X is written, as Dovecot does it.
    return (hex === '' ? String(value) : value.toString(16)).padStart(Number(width || 0), zero === '' ? ' ' : '0');
  });
  return complete ? text : null;
}

/** True for a format that gives different messages different ids. */
export function isUidlFormat(format: string): boolean {
  return /%0?\d*[Xx]?[uf]/.test(format) && !/%/.test(format.replace(VARIABLE, ''));
}
