import type { Part } from '../../src/message/analysis.ts';
import { headerText, rangeText, textRanges } from '../../src/message/search-text.ts';

/** All searchable text of a message, a range at a time. @param where `text` begins with the message's own header */
export function* searchableText(message: Buffer, root: Part, where: 'body' | 'text'): Generator<string> {
  if (where === 'text') yield headerText(message.subarray(root.header, root.body));
  for (const range of textRanges(root)) yield rangeText(range, message.subarray(range.from, range.to));
}
