/** Encoded words in header fields (RFC 2047), with the languages of RFC 2231 5. Input: one character a byte. */
import { decodeText, rawText } from './charsets.ts';

const WORD = /=\?([^?*\s]{1,60})(?:\*[^?\s]*)?\?([bq])\?([^?]*)\?=/gi;

/**
 * Decodes the encoded words of an unfolded value. Blanks between two of them vanish (RFC 2047 6.2), and neighbours of one charset are
 * decoded together, since many senders cut a character in two (against RFC 2047 5). What is no word is read as UTF-8 or windows-1252.
 */
export function decodeWords(raw: string): string {
  if (!raw.includes('=?')) return rawText(raw);
  let text = '';
  let last = 0;
  let charset = '';
  let pieces: Buffer[] = [];
  for (const match of raw.matchAll(WORD)) {
    const between = raw.slice(last, match.index);
    const ofWord = match[1]!.toLowerCase();
    const adjacent = pieces.length > 0 && between.trim() === '';
    if (pieces.length > 0 && !(adjacent && ofWord === charset)) {
      text += decodeText(Buffer.concat(pieces), charset);
      pieces = [];
    }
    if (!adjacent) text += rawText(between);
    charset = ofWord;
    pieces.push(match[2]!.toLowerCase() === 'b' ? Buffer.from(match[3]!, 'base64') : decodeQ(match[3]!));
    last = match.index + match[0].length;
  }
  if (pieces.length > 0) text += decodeText(Buffer.concat(pieces), charset);
  return text + rawText(raw.slice(last));
}

/** The "Q" encoding (RFC 2047 4.2). */
function decodeQ(text: string): Buffer {
  const bytes = text
    .replaceAll('_', ' ')
    .replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1');
}
