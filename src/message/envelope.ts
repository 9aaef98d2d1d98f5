/** The ENVELOPE of a message (RFC 9051 7.5.2). */
import { type Address, readAddresses } from './addresses.ts';
import { readDate } from './dates.ts';
import type { Header } from './header.ts';
import { imapNstring } from './imap-string.ts';

/** Fields as they stand: one character a byte, null when absent. Only the last three lists know no default. */
export interface Envelope {
  readonly date: string | null;
  readonly subject: string | null;
  readonly from: readonly Address[];
  readonly sender: readonly Address[];
  readonly replyTo: readonly Address[];
  readonly to: readonly Address[];
  readonly cc: readonly Address[];
  readonly bcc: readonly Address[];
  readonly inReplyTo: string | null;
  readonly messageId: string | null;
}

/** Reads the envelope from a header. Sender and Reply-To default to From when absent or empty (RFC 9051 7.5.2). */
export function readEnvelope(header: Header): Envelope {
  const from = addresses(header, 'from');
  const sender = addresses(header, 'sender');
  const replyTo = addresses(header, 'reply-to');
  return {
    date: header.first('date'),
    subject: header.first('subject'),
    from,
    sender: sender.length === 0 ? from : sender,
    replyTo: replyTo.length === 0 ? from : replyTo,
    to: addresses(header, 'to'),
    cc: addresses(header, 'cc'),
    bcc: addresses(header, 'bcc'),
    inReplyTo: header.first('in-reply-to'),
    messageId: header.first('message-id'),
  };
}

/** The envelope in IMAP syntax, one character a byte. */
export function envelopeText(envelope: Envelope): string {
  const from = addressList(envelope.from);
  const sender = envelope.sender === envelope.from ? from : addressList(envelope.sender);
  const replyTo = envelope.replyTo === envelope.from ? from : addressList(envelope.replyTo);
  return `(${imapNstring(envelope.date)} ${imapNstring(envelope.subject)} ${from} ${sender} ${replyTo} ${addressList(envelope.to)} ${addressList(envelope.cc)} ${addressList(envelope.bcc)} ${imapNstring(envelope.inReplyTo)} ${imapNstring(envelope.messageId)})`;
}

/** An envelope without any field: of an entity that can't be read. */
export const EMPTY_ENVELOPE = '(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)';

/**
 * The day of the Date field as written, in days since 1970-01-01, from an envelope in IMAP syntax: what SENTBEFORE, SENTON and SENTSINCE
 * compare (RFC 9051 6.4.4: "disregarding time and timezone"). Null when absent or unreadable.
 */
export function sentDay(envelope: string): number | null {
  const match = /^\("((?:[^"\\]|\\[\s\S])*)"/.exec(envelope);
  return match === null ? null : (readDate(match[1]!.replace(/\\([\s\S])/g, '$1'))?.day ?? null);
}

/** A field may come several times (RFC 5322 4.5.3): its addresses are one list. */
function addresses(header: Header, name: string): readonly Address[] {
  const values = header.all(name);
  return values.length === 1 ? readAddresses(values[0]!) : values.flatMap(readAddresses);
}

function addressList(list: readonly Address[]): string {
  if (list.length === 0) return 'NIL';
  let text = '(';
  for (const address of list) {
    if (address.kind === 'mailbox') text += oneAddress(address.name, address.route, address.local, address.domain);
    else {
      // RFC 9051 7.5.2: a NIL host begins a group, a NIL mailbox as well ends it
      text += oneAddress(null, null, address.name, null);
      for (const { name, route, local, domain } of address.members) text += oneAddress(name, route, local, domain);
      text += '(NIL NIL NIL NIL)';
    }
  }
  return `${text})`;
}

function oneAddress(name: string | null, route: string | null, mailbox: string, host: string | null): string {
  return `(${imapNstring(name)} ${imapNstring(route)} ${imapNstring(mailbox)} ${imapNstring(host)})`;
}
