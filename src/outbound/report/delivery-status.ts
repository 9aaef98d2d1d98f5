/**
 * message/delivery-status (RFC 3464), and message/global-delivery-status where an address has characters beyond ASCII (RFC 6533 4). Pure.
 *
 * Invariant: no value breaks its line, whatever peers and senders said; without characters beyond ASCII where the type has none.
 */
import { writeDate } from '../../message/dates.ts';
import type { EpochSeconds } from '../../store/ids.ts';
import type { Told } from './told.ts';

export interface StatusOfMessage {
  /** This server. */
  readonly reporter: string;
  /** ENVID, decoded; undefined: there was none. */
  readonly envelopeId: string | undefined;
  readonly arrived: EpochSeconds;
  readonly attempted: EpochSeconds;
}

/** An address in it needs the international form. */
export function isGlobal(recipients: readonly Told[]): boolean {
  return recipients.some(({ address, original }) => !isAscii(address) || !isAscii(original));
}

/** The fields of the message, then those of each recipient, with blank lines between them (RFC 3464 2.1). */
export function deliveryStatus(message: StatusOfMessage, recipients: readonly Told[]): string {
  const global = isGlobal(recipients);
  const groups = [ofMessage(message), ...recipients.map((told) => ofRecipient(told, message))];
  return groups
    .map((fields) => fields.map(([name, value]) => `${name}: ${line(value, global)}\r\n`).join(''))
    .join('\r\n');
}

type Field = readonly [name: string, value: string];

function ofMessage({ reporter, envelopeId, arrived }: StatusOfMessage): Field[] {
  return [
    ...given('Original-Envelope-Id', envelopeId),
    ['Reporting-MTA', `dns; ${reporter}`],
    ['Arrival-Date', writeDate(arrived)],
  ];
}

function ofRecipient({ action, address, original, said, peer, until }: Told, { attempted }: StatusOfMessage): Field[] {
  const host = peer.split(' ', 1)[0];
  return [
    ...given('Original-Recipient', original.replace(';', '; ')),
    ['Final-Recipient', `${isAscii(address) ? 'rfc822' : 'utf-8'}; ${address}`],
    ['Action', action],
    ['Status', said.status === '' ? statusOf(said.reply) : said.status],
    ...given('Remote-MTA', host && `dns; ${host}`),
    // RFC 3464 2.3.6: what a server said; what we found out ourselves is no SMTP reply.
    ...given('Diagnostic-Code', peer === '' ? undefined : `smtp; ${answer(said)}`),
    ...given('Diagnostic-Code', peer !== '' || said.text === '' ? undefined : `x-rainmail; ${said.text}`),
    ['Last-Attempt-Date', writeDate(attempted)],
    ...given('Will-Retry-Until', until === undefined ? undefined : writeDate(until)),
  ];
}

/** RFC 3463 2: what a reply without a status of its own comes to. One that is out of place, such as 354, is as good as none. */
function statusOf(reply: number): string {
  return reply >= 500 ? '5.0.0' : reply >= 300 ? '4.0.0' : '2.0.0';
}

/** A reply as it was given. */
export function answer({ reply, status, text }: Told['said']): string {
  return [String(reply), status, text].filter((word) => word !== '').join(' ');
}

function given(name: string, value: string | undefined): Field[] {
  return value === undefined || value === '' ? [] : [[name, value]];
}

function line(value: string, global: boolean): string {
  const shown = value.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
  return global ? shown : shown.replace(/[^\x20-\x7e]/gu, '?');
}

function isAscii(text: string): boolean {
  return !/[^\x00-\x7f]/.test(text);
}
