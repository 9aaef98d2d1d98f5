/** Writes XML. Pure. */
import type { XMLBuilder } from 'fast-xml-parser';
import { libraries } from '../libraries.ts';

/** Elements by name; attributes begin with `@`. */
export type XmlContent = string | number | boolean | { readonly [name: string]: XmlContent | readonly XmlContent[] };

const OPTIONS = { ignoreAttributes: false, attributeNamePrefix: '@', format: true, suppressEmptyNode: true } as const;

/** Made with the first document. */
let named: XMLBuilder | undefined;
let ordered: XMLBuilder | undefined;

/** A document with its declaration. What is written in `content` is escaped. */
export function xmlDocument(content: Readonly<Record<string, XmlContent>>): string {
  named ??= new libraries.xml.XMLBuilder(OPTIONS);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${named.build(content)}`;
}

/** Elements where their order counts and names come again, as fast-xml-parser has them: `[{ key: [{ '#text': 'Name' }] }, ...]` */
export function xmlElements(elements: readonly unknown[]): string {
  ordered ??= new libraries.xml.XMLBuilder({ ...OPTIONS, preserveOrder: true });
  return ordered.build(elements);
}

/** Without what XML has no way to write (XML 1.0, 2.2): control characters, lone surrogates. */
export function xmlText(text: string): string {
  return text.replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '');
}
