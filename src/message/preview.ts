/** The preview of a message (RFC 8970): the first words of its text. */
import { decodeText } from './charsets.ts';
import type { TextSample } from './text-samples.ts';
import { decodedTransfer } from './transfer-encoding.ts';

/** RFC 8970 3.1: at most 256 characters. */
const MAX_PREVIEW = 256;

/** @returns at most {@link MAX_PREVIEW} characters in one line; the plain text if it says anything, else the HTML; else empty */
export function preview(plain: TextSample | null, html: TextSample | null): string {
  const text = plain === null ? '' : firstWords(decoded(plain));
  return text !== '' || html === null ? text : firstWords(strippedHtml(decoded(html)));
}

/** A sample may end within a character, which then can't be decoded. */
function decoded(sample: TextSample): string {
  return decodeText(decodedTransfer(sample.bytes, sample.encoding), sample.charset).replace(/\ufffd$/, '');
}

/** The words of a text with single blanks between, as many as fit. Characters of no width, which pad newsletters' previews, go. */
function firstWords(text: string): string {
  let words = '';
  for (const [word] of text.replaceAll('\u034f', '').matchAll(/[^\s\u200b\xad\x00-\x1f\x7f-\x9f]+/g)) {
    words += words === '' ? word : ` ${word}`;
    if (words.length > MAX_PREVIEW) return words.slice(0, lastWhole(words)).trimEnd();
  }
  return words;
}

/** Where to cut so that no pair of surrogates is torn. */
function lastWhole(text: string): number {
  const code = text.charCodeAt(MAX_PREVIEW - 1);
  return code >= 0xd800 && code <= 0xdbff ? MAX_PREVIEW - 1 : MAX_PREVIEW;
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  zwnj: '',
  shy: '',
};

/** HTML's text, crudely: good enough for a line in a list, never for showing as HTML. */
function strippedHtml(html: string): string {
  let text = '';
  let at = 0;
  while (at < html.length) {
    const open = html.indexOf('<', at);
    text += html.slice(at, open < 0 ? undefined : open);
    if (open < 0) break;
    const hidden = /^<(?:(!--)|(style|script|head|title)\b)/i.exec(html.slice(open, open + 10));
    const end = hidden === null ? '>' : hidden[1] === undefined ? `</${hidden[2]!.toLowerCase()}` : '-->';
    const close = indexOfEnd(html, end, open);
    if (close < 0) break;
    // Inline markup doesn't part words
    if (!/^<\/?(?:a|b|i|u|em|strong|span|font|small|sup|sub)\b/i.test(html.slice(open, open + 10))) text += ' ';
    at = close + end.length;
    if (hidden !== null && end !== '-->') at = Math.max(at, html.indexOf('>', close) + 1);
  }
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,8}));/gi, (entity, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES[String(name).toLowerCase()] ?? entity;
    const code = decimal !== undefined ? Number(decimal) : Number.parseInt(String(hex), 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : '';
  });
}

/** As indexOf, without regard to the case of a closing tag's name. */
function indexOfEnd(html: string, end: string, from: number): number {
  if (!end.startsWith('</')) return html.indexOf(end, from);
  const pattern = new RegExp(end, 'gi');
  pattern.lastIndex = from;
  return pattern.exec(html)?.index ?? -1;
}
