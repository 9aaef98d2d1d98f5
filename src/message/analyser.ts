/**
 * Works out, once and while the message comes in, everything the store keeps about it (analysis.ts). Never fails: any bytes are a
 * message. Memory stays within about a megabyte whatever the message (the bounds stand in mime-reader.ts).
 */
import type { Address } from './addresses.ts';
import type { MessageAnalysis } from './analysis.ts';
import { baseSubject } from './base-subject.ts';
import { parseDate } from './dates.ts';
import { envelopeText, readEnvelope } from './envelope.ts';
import { decodedHeader } from './header.ts';
import { readMessageId, readMessageIds } from './message-ids.ts';
import { MimeReader } from './mime-reader.ts';
import { preview } from './preview.ts';

/** Analyses one message that comes in pieces. */
export class MessageAnalyser {
  readonly #reader = new MimeReader();

  /** Takes the next bytes; they are not kept beyond the call. */
  push(chunk: Buffer): void {
    this.#reader.push(chunk);
  }

  /** The end of the message: call once. */
  finish(): MessageAnalysis {
    const { size, root, bodyStructure, header, plain, html, hasAttachment } = this.#reader.finish();
    const envelope = readEnvelope(header);
    const subject = decodedHeader(envelope.subject ?? '');
    return {
      size,
      envelope: envelopeText(envelope),
      bodyStructure,
      root,
      messageId: readMessageId(envelope.messageId ?? ''),
      inReplyTo: readMessageIds(envelope.inReplyTo ?? ''),
      references: readMessageIds(header.first('references') ?? ''),
      subject,
      baseSubject: baseSubject(subject),
      sent: parseDate(envelope.date ?? ''),
      sortFrom: sortKey(envelope.from),
      sortTo: sortKey(envelope.to),
      sortCc: sortKey(envelope.cc),
      displayFrom: displayName(envelope.from),
      displayTo: displayName(envelope.to),
      preview: preview(plain, html),
      hasAttachment,
    };
  }
}

/** Analyses a message held in memory. */
export function analyse(message: Buffer): MessageAnalysis {
  const analyser = new MessageAnalyser();
  analyser.push(message);
  return analyser.finish();
}

/** RFC 5256 3 FROM, TO, CC: what ENVELOPE has as the first mailbox; of a group its name. */
function sortKey([first]: readonly Address[]): string {
  if (first === undefined) return '';
  return decodedHeader(first.kind === 'group' ? first.name : first.local).toLowerCase();
}

/** RFC 5957 2.1: the name of the first address, or the address when it has none. */
function displayName([first]: readonly Address[]): string {
  if (first === undefined) return '';
  if (first.kind === 'group' || first.name !== null) return decodedHeader(first.name ?? '');
  const { local, domain } = first;
  return decodedHeader(domain === '' ? local : `${local}@${domain}`);
}
