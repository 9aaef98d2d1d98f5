/** What SEARCH answers: SEARCH (RFC 3501 7.2.5) or ESEARCH (RFC 9051 7.3.4, RFC 4731). Pure. */
import type { MailboxView } from '../store/api.ts';
import { uidsOf } from './message-numbers.ts';
import { NumberSet } from './syntax/number-set.ts';
import type { SearchReturn } from './syntax/types.ts';

/** Numbers of an untagged SEARCH that are made text at a time. */
const NUMBERS_A_PIECE = 5_000;

export interface Found {
  readonly view: MailboxView;
  /** Sequence numbers. */
  readonly messages: NumberSet;
  /** The client asked by UID SEARCH. */
  readonly asUids: boolean;
  /** The client asked by MODSEQ, so the highest one of the result is told (RFC 7162 3.1.5). */
  readonly withModseq: boolean;
}

/** `* SEARCH 2 84 882 (MODSEQ 917162500)`, in pieces. */
export function* searchResponse(found: Found): Generator<string> {
  let text = '* SEARCH';
  let numbers = 0;
  for (const number of answered(found)) {
    text += ` ${number}`;
    if (++numbers % NUMBERS_A_PIECE === 0) {
      yield text;
      text = '';
    }
  }
  const modseq = highestModseq(found, found.messages);
  yield modseq === null ? `${text}\r\n` : `${text} (MODSEQ ${modseq})\r\n`;
}

/** `* ESEARCH (TAG "A282") UID MIN 2 COUNT 3 ALL 2,10:11`. Null when only SAVE was asked for (RFC 5182 2.1). */
export function esearchResponse(found: Found, tag: string, returns: SearchReturn): string | null {
  const { min, max, count, all } = returns;
  if (!(min || max || count || all)) return null;
  const numbers = answered(found);
  let text = `* ESEARCH (TAG "${tag}")${found.asUids ? ' UID' : ''}`;
  if (!numbers.isEmpty) {
    // None of these is told of an empty result (RFC 4731 3.1).
    if (min) text += ` MIN ${numbers.first}`;
    if (max) text += ` MAX ${numbers.last}`;
    if (all) text += ` ALL ${numbers}`;
  }
  if (count) text += ` COUNT ${numbers.size}`;
  const modseq = highestModseq(found, narrowed(found.messages, returns));
  return modseq === null ? `${text}\r\n` : `${text} MODSEQ ${modseq}\r\n`;
}

/**
 * The messages that count for `$` and for the highest MODSEQ: with MIN or MAX and neither ALL nor COUNT only those that are told
 * (RFC 5182 2.4, RFC 7162 3.1.10).
 */
export function narrowed(messages: NumberSet, { min, max, count, all }: SearchReturn): NumberSet {
  if (messages.isEmpty || all || count || !(min || max)) return messages;
  const told: number[] = [];
  if (min) told.push(messages.first!);
  if (max) told.push(messages.last!);
  return NumberSet.ascending(told);
}

/** The numbers that are told. */
function answered({ view, messages, asUids }: Found): NumberSet {
  return asUids ? NumberSet.ascending(uidsOf(messages, view)) : messages;
}

function highestModseq({ view, withModseq }: Found, messages: NumberSet): number | null {
  if (!withModseq || messages.isEmpty) return null;
  let highest = 0;
  for (const number of messages) highest = Math.max(highest, view.modseqOf(number - 1));
  return highest;
}
