/**
 * From what a client wrote to the messages it means, and back. Inside, messages of the selected mailbox are a NumberSet of
 * sequence numbers (index in the view + 1), whatever they were named by.
 */
import { BadCommand } from '../errors.ts';
import type { MailboxView } from '../store/api.ts';
import type { Uid } from '../store/ids.ts';
import { NumberSet } from './syntax/number-set.ts';
import type { SequenceSet, UidSet } from './syntax/types.ts';

/** What sets are read against: the selected mailbox. */
export interface Numbering {
  readonly view: MailboxView;
  /** UIDs of `$`. */
  readonly saved: NumberSet;
}

/**
 * The messages of a set as a command of sequence numbers means it.
 * @throws BadCommand when a number is beyond the last message; in an empty mailbox any is, `*` too (RFC 9051 6.4.5, 9)
 */
export function bySequence(set: SequenceSet, { view, saved }: Numbering): NumberSet {
  if (set.kind === 'saved') return sequenceNumbersOf(saved, view);
  const numbers = NumberSet.resolve(set.bounds, view.length);
  if (numbers.isEmpty || numbers.last! > view.length) {
    throw new BadCommand(`the mailbox has ${view.length} messages, not so many`);
  }
  return numbers;
}

/** The messages of a set of UIDs; those that aren't there are silently left out (RFC 9051 6.4.9). */
export function byUid(set: UidSet, { view, saved }: Numbering): NumberSet {
  if (set.kind === 'saved') return sequenceNumbersOf(saved, view);
  const largest = view.length === 0 ? 0 : view.uid(view.length - 1);
  return sequenceNumbersOf(NumberSet.resolve(set.bounds, largest), view);
}

/** The sequence numbers of the messages whose UID is in the set. */
export function sequenceNumbersOf(uids: NumberSet, view: MailboxView): NumberSet {
  const { bounds } = uids;
  const ranges: number[] = [];
  for (let i = 0; i < bounds.length; i += 2) {
    const first = view.lowerBound(bounds[i]!);
    const next = view.lowerBound(bounds[i + 1]! + 1);
    if (first < next) ranges.push(first + 1, next);
  }
  return ranges.length === 0 ? NumberSet.EMPTY : NumberSet.resolve(ranges, view.length);
}

/** UIDs of messages of the view, ascending. */
export function uidsOf(numbers: NumberSet, view: MailboxView): Uid[] {
  const { bounds } = numbers;
  const uids: Uid[] = [];
  for (let i = 0; i < bounds.length; i += 2) {
    for (let index = bounds[i]! - 1; index < bounds[i + 1]!; index++) uids.push(view.uid(index));
  }
  return uids;
}

/** How many messages of the view have a UID in the set: by ranges, not by messages. */
export function countOf(uids: NumberSet, view: MailboxView): number {
  const { bounds } = uids;
  let count = 0;
  for (let i = 0; i < bounds.length; i += 2) count += view.lowerBound(bounds[i + 1]! + 1) - view.lowerBound(bounds[i]!);
  return count;
}
