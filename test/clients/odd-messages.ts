/** Messages that are unlike most, and must come back as they are. Each has a subject of its own; a character is a byte. */
import assert from 'node:assert/strict';
import { subjectOf } from './maildir.ts';

/** With what submission would add (RFC 6409 8), so that it leaves them alone. */
const head = (subject: string) =>
  `From: <anna@office.test>\r\nDate: Mon, 1 Jan 2024 12:00:00 +0100\r\nMessage-ID: <1@example.org>\r\nSubject: ${subject}\r\n`;

/** They end in CRLF and have lines that SMTP can carry (RFC 5321 4.5.3.1.6), so that they can come by any way. */
export const ODD_MESSAGES: readonly string[] = [
  `${head('no body')}\r\n`,
  head('header only'),
  `${head('empty lines')}\r\n\r\n\r\n\r\n`,
  `${head('dots')}\r\n.\r\n..\r\n.a\r\n...\r\n.\r\n`,
  `${head('From line')}\r\nFrom someone at night\r\n>From another\r\n`,
  `${head('eight bits')}\r\nGr\u00fc\u00dfe \xff\xfe\x80\x81\r\n`,
  `${head('binary')}\r\n${everyByte()}\r\n`,
  `${head('long lines')}\r\n${`${'x'.repeat(990)}\r\n`.repeat(3)}`,
  `${head('long header')}X-Long: ${'y'.repeat(900)}\r\n${'\tz'.repeat(450)}\r\n\r\nbody\r\n`,
  `${head('space at the end')}\r\n  \t \r\nword  \r\n\t\r\n`,
  `${head('a part that never ends')}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nunfinished\r\n`,
  `${head('8-bit header \xe4\xf6\xfc')}\r\nbody\r\n`,
];

/** Only APPEND can bring these: a line longer than SMTP's, and no line end at the end. */
export const APPENDED_ONLY: readonly string[] = [
  `${head('very long line')}\r\n${'z'.repeat(100_000)}\r\n`,
  `${head('no line end')}\r\nthe last line`,
  `${head('bare line ends')}\r\none\ntwo\rthree\r\r\n`,
];

/** Every byte but NUL, CR and LF. */
function everyByte(): string {
  return Array.from({ length: 255 }, (_, index) => String.fromCharCode(index + 1))
    .join('')
    .replace(/[\r\n]/g, '');
}

/** The same messages, in any order. Says which one differs, and where. */
export function assertSameMessages(actual: readonly string[], expected: readonly string[]): void {
  assert.deepEqual(actual.map(subjectOf).sort(), expected.map(subjectOf).sort());
  const [ours, theirs] = [[...actual].sort(), [...expected].sort()];
  const odd = ours.findIndex((content, index) => content !== theirs[index]);
  if (odd !== -1) assert.equal(excerpt(ours[odd]!, theirs[odd]!), excerpt(theirs[odd]!, ours[odd]!));
}

/** Where a text begins to differ from another, with what stands before. */
function excerpt(text: string, other: string): string {
  let at = 0;
  while (at < text.length && text[at] === other[at]) at += 1;
  return `${JSON.stringify(text.slice(Math.max(0, at - 200), at + 80))} (${text.length} bytes, differs at ${at})`;
}

/** Without the trace lines that delivery put before it, whatever the line ends. */
export function withoutTrace(content: string): string {
  const trace = /^Return-Path: [^\n]*\nDelivered-To: [^\n]*\nReceived: [^\n]*\n(?:\t[^\n]*\n)*/.exec(content);
  assert.ok(trace, `no trace lines: ${content.slice(0, 300)}`);
  return content.slice(trace[0].length);
}
