/**
 * The commands of a client (RFC 5321 4.1). Pure.
 *
 * Invariant: a command is one line. Nothing that stands in an address, or was asked by somebody else, becomes another command or another parameter.
 */
import type { Extensions } from './extensions.ts';

/** Who sends, and what is asked of the server for this message. */
export interface MailFrom {
  /** Empty: the null sender. */
  readonly sender: string;
  readonly sizeBytes: number;
  /** An address of this message has letters beyond ASCII. */
  readonly utf8: boolean;
  readonly returns: 'full' | 'headers' | undefined;
  readonly envelopeId: string | undefined;
  readonly requireTls: boolean;
}

/** What is asked of the server for a recipient. */
export interface ReportsWanted {
  readonly notify: readonly string[];
  /** ORCPT, decoded; empty: none. */
  readonly original: string;
}

/** An address that can stand in a command: a quoted local part may hold anything but control characters. */
const SAYABLE = /^(?:[^\x00-\x20"<>\x7f]|"(?:[^\x00-\x1f"\\\x7f]|\\[^\x00-\x1f\x7f])*")*$/;
const NOT_IN_A_LINE = /[\r\n\0]/;
/** RFC 3461 4: what is not itself in xtext. */
const ENCODED = /[^!-*,-<>-~]/g;

export function isSayable(address: string): boolean {
  return SAYABLE.test(address);
}

/** MAIL, with what the server offers of what is wanted (RFC 5321 4.1.1.2). */
export function mailFrom(
  { sender, sizeBytes, utf8, returns, envelopeId, requireTls }: MailFrom,
  offered: Extensions,
): string {
  let command = `MAIL FROM:<${sender}>`;
  if (utf8 && offered.has('SMTPUTF8')) command += ' SMTPUTF8'; // RFC 6531 3.4
  if (offered.has('8BITMIME')) command += ' BODY=8BITMIME'; // RFC 6152 3: it may have 8-bit bytes
  if (sizeBytes > 0 && offered.has('SIZE')) command += ` SIZE=${sizeBytes}`; // RFC 1870 6
  if (offered.has('DSN')) {
    // RFC 3461 4.3, 4.4
    if (returns !== undefined) command += returns === 'full' ? ' RET=FULL' : ' RET=HDRS';
    if (envelopeId !== undefined) command += ` ENVID=${xtext(envelopeId)}`;
  }
  if (requireTls) command += ' REQUIRETLS'; // RFC 8689 4.1
  return oneLine(command);
}

/** RCPT, with what the server offers of what is wanted (RFC 5321 4.1.1.3). */
export function rcptTo(recipient: string, { notify, original }: ReportsWanted, offered: Extensions): string {
  let command = `RCPT TO:<${recipient}>`;
  if (offered.has('DSN')) {
    // RFC 3461 4.1, 4.2
    if (notify.length > 0) command += ` NOTIFY=${xtext(notify.join(',').toUpperCase())}`;
    if (original !== '') command += ` ORCPT=${xtext(original)}`;
  }
  return oneLine(command);
}

/** RFC 3461 4: printable ASCII without spaces. */
export function xtext(text: string): string {
  return Buffer.from(text, 'utf8')
    .toString('latin1')
    .replace(ENCODED, (byte) => `+${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}

/** @throws for what is more than a line: an error of ours, since addresses and names are looked at before they come here */
export function oneLine(command: string): string {
  if (NOT_IN_A_LINE.test(command)) throw new Error('a command of SMTP is one line');
  return command;
}
