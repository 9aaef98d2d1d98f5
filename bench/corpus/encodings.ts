/** The encodings of mail, as far as the corpus writes them. */

const LINE = 76;

/** Base64 in lines (RFC 2045 6.8), with a line end after the last. */
export function base64Lines(bytes: Buffer): string {
  return bytes.toString('base64').replace(/.{1,76}/g, '$&\r\n');
}

/** Quoted-printable (RFC 2045 6.7) of text in CRLF lines. */
export function quotedPrintable(text: string): string {
  return text.split('\r\n').map(quotedLine).join('\r\n');
}

function quotedLine(line: string): string {
  let result = '';
  let length = 0;
  for (const byte of Buffer.from(line)) {
    const plain = byte >= 32 && byte <= 126 && byte !== 61;
    const piece = plain ? String.fromCharCode(byte) : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    if (length + piece.length >= LINE) {
      result += '=\r\n';
      length = 0;
    }
    result += piece;
    length += piece.length;
  }
  return result;
}

/** Text in a header field: as it is when it is ASCII, else encoded words that each hold whole characters (RFC 2047). */
export function encodedWord(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  const words: string[] = [];
  let word = '';
  for (const character of text) {
    if (Buffer.byteLength(word + character) > 42) {
      words.push(word);
      word = '';
    }
    word += character;
  }
  return [...words, word].map((part) => `=?utf-8?b?${Buffer.from(part).toString('base64')}?=`).join('\r\n ');
}
