/**
 * Puts a report together: multipart/report (RFC 6522) with a text for people, the status for programs, and what is given back of the message.
 */
import { Readable } from 'node:stream';
import type { Language } from '../../config/languages.ts';
import { libraries } from '../../libraries.ts';
import { writeDate } from '../../message/dates.ts';
import type { EpochSeconds } from '../../store/ids.ts';
import type { Original } from './original.ts';
import type { PersonText } from './person-text.ts';

export interface ReportParts {
  readonly date: EpochSeconds;
  /** With its angle brackets. */
  readonly messageId: string;
  readonly from: string;
  readonly to: { readonly name: string; readonly address: string };
  /** The Message-ID of what it tells of, without angle brackets; null: it had none. */
  readonly about: string | null;
  readonly language: Language;
  readonly person: PersonText;
  /** The delivery status, lines ended by CRLF. */
  readonly status: string;
  /** It has characters beyond ASCII (RFC 6533). */
  readonly global: boolean;
  readonly original: Original | undefined;
}

/** The report from its first byte, lines ended by CRLF. What the original can't be read for is an error of the stream. */
export function composed(parts: ReportParts): Readable {
  const { person, language, original, about } = parts;
  const root = new libraries.MimeNode('multipart/report; report-type=delivery-status');
  root.setHeader('From', [{ name: person.writer, address: parts.from }]);
  root.setHeader('To', [parts.to]);
  root.setHeader('Subject', person.subject);
  root.setHeader('Date', writeDate(parts.date));
  root.setHeader('Message-ID', parts.messageId);
  if (about !== null) {
    root.setHeader('In-Reply-To', `<${about}>`);
    root.setHeader('References', `<${about}>`);
  }
  // RFC 3834 5: whoever answers by himself does not answer this.
  root.setHeader('Auto-Submitted', 'auto-replied');
  if (parts.global || original !== undefined) root.setHeader('Content-Transfer-Encoding', '8bit'); // as its parts (RFC 2045 6.4)
  root.createChild('text/plain; charset=utf-8').setHeader('Content-Language', language).setContent(person.text);
  const status = parts.global ? ['message/global-delivery-status', '8bit'] : ['message/delivery-status', '7bit'];
  root.createChild().setRaw(Buffer.from(`${partHeader(status)}${parts.status}`));
  if (original !== undefined) root.createChild().setRaw(Readable.from(withHeader(original)));
  return root.createReadStream() as Readable;
}

async function* withHeader(original: Original): AsyncGenerator<Buffer, void, void> {
  yield Buffer.from(partHeader([typeOf(original), '8bit']));
  yield* original.read();
}

/** RFC 6522 3, RFC 6533 5 and 6 */
function typeOf({ kind, international }: Original): string {
  if (kind === 'header') return international ? 'message/global-headers' : 'text/rfc822-headers';
  return international ? 'message/global' : 'message/rfc822';
}

function partHeader([type, encoding]: readonly string[]): string {
  return `Content-Type: ${type}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`;
}
