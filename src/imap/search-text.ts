/** The text of a message that SEARCH looks into, from its bytes: all at once, or in pieces where it is large. */
import { Header } from '../message/header.ts';
import { headerText, partText, rangeText, type TextRange, textRanges } from '../message/search-text.ts';
import type { Pace } from '../pace.ts';
import { STREAM_ABOVE } from '../store/api.ts';
import type { ByteRange, MessageBytes } from './message-bytes.ts';
import type { TextFinder } from './text-finder.ts';

/** The header of the message. */
export async function readHeader(message: MessageBytes): Promise<Header> {
  return new Header((await headerBytes(message, message.header)).toString('latin1'));
}

/** Characters that are folded and looked through at a time: about a millisecond. */
const PIECE = 64 << 10;

/** Shows the finder the text of the message until it has found everything. */
export async function findText(message: MessageBytes, finder: TextFinder, pace: Pace): Promise<void> {
  if (finder.looksInHeader) finder.pushHeader(headerText(await headerBytes(message, message.header)));
  for (const range of textRanges(message.record.root())) {
    if (finder.done) return;
    if (range.kind === 'header') finder.push(headerText(await headerBytes(message, range)));
    else if (range.to - range.from <= STREAM_ABOVE) await findInSmall(message, range, finder, pace);
    else await findInLarge(message, range, finder, pace);
    finder.endPart();
  }
}

async function findInSmall(message: MessageBytes, range: TextRange, finder: TextFinder, pace: Pace): Promise<void> {
  const text = rangeText(range, await message.collect(range));
  for (let at = 0; at < text.length && !finder.done; at += PIECE) {
    finder.push(text.length <= PIECE ? text : text.slice(at, at + PIECE));
    await pace.pause();
  }
}

async function findInLarge(message: MessageBytes, range: TextRange, finder: TextFinder, pace: Pace): Promise<void> {
  const reader = partText(range.part);
  for await (const chunk of message.chunks(range)) {
    finder.push(reader.push(chunk));
    if (finder.done) return;
    await pace.pause();
  }
  finder.push(reader.finish());
}

/** Of a header larger than {@link STREAM_ABOVE} only so much is looked at. */
function headerBytes(message: MessageBytes, { from, to }: ByteRange): Promise<Buffer> {
  return message.collect({ from, to: Math.min(to, from + STREAM_ABOVE) });
}
