/**
 * What a FETCH will do for every one of its messages, worked out once: which items come from the mailbox's view alone, which
 * need the message's record, and which its bytes. Items are answered in that order, whatever order they were asked in.
 */
import { bodyText } from '../message/body-structure.ts';
import type { MailboxView } from '../store/api.ts';
import type { EmailRecord } from '../store/types.ts';
import { dateTime, flagList } from './data-text.ts';
import { emailObjectId, threadObjectId } from './object-ids.ts';
import type { NumberSet } from './syntax/number-set.ts';
import type { FetchItem, FetchRequest, SimpleFetchItem } from './syntax/types.ts';

/** Items that need the bytes of a message. */
export type ContentItem = Exclude<FetchItem, { readonly item: SimpleFetchItem }>;

export interface FetchPlan {
  /** Items of the view, then items of the record. */
  readonly data: readonly SimpleFetchItem[];
  readonly content: readonly ContentItem[];
  /** What must be read of a message before it can be answered. */
  readonly reads: 'nothing' | 'record' | 'bytes' | 'record and bytes';
  /** Messages become \Seen. */
  readonly marksSeen: boolean;
}

const OF_RECORD: ReadonlySet<SimpleFetchItem> = new Set(['ENVELOPE', 'BODY', 'BODYSTRUCTURE', 'THREADID']);

/**
 * @param withUid a UID command: UID is answered, asked or not (RFC 9051 6.4.9)
 * @param withModseq CHANGEDSINCE: MODSEQ is answered, asked or not (RFC 7162 3.1.4.1)
 */
export function planFetch({ items }: FetchRequest, withUid: boolean, withModseq: boolean): FetchPlan {
  const view: SimpleFetchItem[] = [];
  const record: SimpleFetchItem[] = [];
  const content: ContentItem[] = [];
  if (withUid) view.push('UID');
  let marksSeen = false;
  for (const item of items) {
    switch (item.item) {
      case 'SECTION':
      case 'BINARY':
        content.push(item);
        if (!item.peek) marksSeen = true;
        break;
      case 'BINARY.SIZE':
        content.push(item);
        break;
      default: {
        const list = OF_RECORD.has(item.item) ? record : view;
        if (!list.includes(item.item)) list.push(item.item);
      }
    }
  }
  if (withModseq && !view.includes('MODSEQ')) view.push('MODSEQ');
  const bytes = record.length > 0 ? 'record and bytes' : 'bytes';
  const reads = content.length > 0 ? bytes : record.length > 0 ? 'record' : 'nothing';
  return { data: [...view, ...record], content, reads, marksSeen };
}

/**
 * The data items of one message, separated by spaces, one character a byte.
 * @param record may be null when the plan reads none
 * @param recent UIDs that are \Recent to the session
 */
export function dataText(
  items: readonly SimpleFetchItem[],
  view: MailboxView,
  index: number,
  record: EmailRecord | null,
  recent: NumberSet,
): string {
  let text = '';
  for (const item of items) {
    if (text !== '') text += ' ';
    switch (item) {
      case 'UID':
        text += `UID ${view.uid(index)}`;
        break;
      case 'FLAGS':
        text += `FLAGS ${flagList(view.flagBits(index), view.keywordsOf(index), recent.has(view.uid(index)))}`;
        break;
      case 'INTERNALDATE':
        text += `INTERNALDATE ${dateTime(view.received(index))}`;
        break;
      case 'RFC822.SIZE':
        text += `RFC822.SIZE ${view.size(index)}`;
        break;
      case 'MODSEQ':
        text += `MODSEQ (${view.modseqOf(index)})`; // RFC 7162 3.1.4.2
        break;
      case 'EMAILID':
        text += `EMAILID (${emailObjectId(view.email(index))})`; // RFC 8474 5.1
        break;
      case 'THREADID':
        text += `THREADID (${threadObjectId(record!.thread)})`; // RFC 8474 5.2
        break;
      case 'ENVELOPE':
        text += `ENVELOPE ${record!.analysis.envelope}`;
        break;
      case 'BODYSTRUCTURE':
        text += `BODYSTRUCTURE ${record!.analysis.bodyStructure}`;
        break;
      case 'BODY':
        text += `BODY ${bodyText(record!.analysis.bodyStructure)}`;
        break;
    }
  }
  return text;
}
