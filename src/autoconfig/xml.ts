/** Writes XML. Pure. */
import { XMLBuilder } from 'fast-xml-parser';

/** Elements by name; attributes begin with `@`. */
export type XmlContent = string | number | boolean | { readonly [name: string]: XmlContent | readonly XmlContent[] };

const OPTIONS = { ignoreAttributes: false, attributeNamePrefix: '@', format: true, suppressEmptyNode: true } as const;

const named = new XMLBuilder(OPTIONS);
const ordered = new XMLBuilder({ ...OPTIONS, preserveOrder: true });

/** A document with its declaration. What is written in `content` is escaped. */
export function xmlDocument(content: Readonly<Record<string, XmlContent>>): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${named.build(content)}`;
}

/** Elements where their order counts and names come again, as fast-xml-parser has them: `[{ key: [{ '#text': 'Name' }] }, ...]` */
export function xmlElements(elements: readonly unknown[]): string {
  return ordered.build(elements);
}

/** Without what XML has no way to write (XML 1.0, 2.2): control characters, lone surrogates. */
export function xmlText(text: string): string {
  return text.replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '');
}
