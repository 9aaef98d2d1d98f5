/**
 * message/delivery-status (RFC 3464), and message/global-delivery-status where an address has characters beyond ASCII (RFC 6533 4). Pure.
 *
 * Invariant: no value breaks its line, whatever peers and senders said; without characters beyond ASCII where the type has none.
 */
import { isIP } from 'node:net';
import { writeDate } from '../../message/dates.ts';
import type { EpochSeconds } from '../../store/ids.ts';
import { lineOf } from '../reply.ts';
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

function ofRecipient(told: Told, { attempted }: StatusOfMessage): Field[] {
  const { action, address, original, said, peer, ours, unasked, until } = told;
  const host = peer.split(' ', 1)[0]!;
  const isSaid = peer !== '' && !ours;
  return [
    ...given('Original-Recipient', original.replace(';', '; ')),
    ['Final-Recipient', `${isAscii(address) ? 'rfc822' : 'utf-8'}; ${address}`],
    ['Action', action],
    ['Status', statusOf(said)],
    ...given('Remote-MTA', host && `dns; ${isIP(host) === 0 ? host : `[${host}]`}`), // RFC 3464 2.1.2, RFC 5321 4.1.3
    // RFC 3464 2.3.6: what a server said; what we found out ourselves is no SMTP reply.
    ...given('Diagnostic-Code', isSaid ? `smtp; ${lineOf(said)}` : said.text && `x-rainmail; ${said.text}`),
    // RFC 3464 2.3.7: where it is known.
    ...given('Last-Attempt-Date', unasked ? undefined : writeDate(attempted)),
    ...given('Will-Retry-Until', until === undefined ? undefined : writeDate(until)),
  ];
}

/**
 * RFC 3463 2, RFC 2034 4: the first number says the same as the first digit of the reply, whatever a server says. One that is out of place, such as 354, is
 * as good as none.
 */
function statusOf({ reply, status }: Told['said']): string {
  return `${reply >= 500 ? 5 : reply >= 300 ? 4 : 2}${status === '' ? '.0.0' : status.slice(1)}`;
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
