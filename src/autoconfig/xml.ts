/** Writes XML. Pure. */
import { XMLBuilder } from 'fast-xml-parser';

/** Elements by name; attributes begin with `@`. */
export type XmlContent = string | number | boolean | { readonly [name: string]: XmlContent | readonly XmlContent[] };

const builder = new XMLBuilder({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  format: true,
  suppressEmptyNode: true,
});

/** A document with its declaration. What is written in `content` is escaped. */
export function xmlDocument(content: Readonly<Record<string, XmlContent>>): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${builder.build(content)}`;
}
