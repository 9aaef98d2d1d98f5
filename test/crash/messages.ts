/** Messages that tell from their first line what every byte of them must be: the token names number and size. */

/** `number.bytes` */
export type Token = string;

const FIELD = 'X-Crash-Token: ';
const LINE_BYTES = 100;

let last = 0;

/** A token that no other message has. */
export function newToken(bytes: number): Token {
  last++;
  return `${last}.${bytes}`;
}

/** The message of a token. Each line names its message and place, so that pages swapped or missing show; some begin with a dot. */
export function messageOf(token: Token): string {
  const bytes = Number(token.split('.')[1]);
  let text = `${FIELD}${token}\r\nFrom: someone@example.org\r\nSubject: ${token}\r\n\r\n`;
  for (let line = 0; text.length < bytes; line++) {
    text += `${line % 7 === 0 ? '.' : ''}${token} ${line} `.padEnd(LINE_BYTES - 2, 'abcdefghij');
    text += '\r\n';
  }
  return text;
}

/** The token of a message, or of its header. @throws when it has none */
export function tokenOf(text: string): Token {
  const start = text.indexOf(FIELD);
  if (start === -1) throw new Error(`a message without a token: ${JSON.stringify(text.slice(0, 200))}`);
  return text.slice(start + FIELD.length, text.indexOf('\r\n', start));
}

/** True when, behind the trace lines of its delivery, the message is what its token says. */
export function isWhole(content: string): boolean {
  const start = content.indexOf(FIELD);
  return start !== -1 && content.slice(start) === messageOf(tokenOf(content));
}
