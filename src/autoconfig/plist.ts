/** Writes Apple's property lists (the XML form). Pure. */
import { xmlElements, xmlText } from './xml.ts';

export type PlistValue = string | number | boolean | readonly PlistValue[] | { readonly [key: string]: PlistValue };

const HEAD = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
`;

/** A property list. Numbers are whole. */
export function plist(value: PlistValue): string {
  return `${HEAD}<plist version="1.0">${xmlElements([element(value)])}\n</plist>\n`;
}

function element(value: PlistValue): unknown {
  if (typeof value === 'string') return { string: text(value) };
  if (typeof value === 'number') return { integer: text(String(value)) };
  if (typeof value === 'boolean') return value ? { true: [] } : { false: [] };
  if (isList(value)) return { array: value.map(element) };
  return { dict: Object.entries(value).flatMap(([key, inner]) => [{ key: text(key) }, element(inner)]) };
}

function isList(value: object): value is readonly PlistValue[] {
  return Array.isArray(value);
}

function text(value: string): { '#text': string }[] {
  return [{ '#text': xmlText(value) }];
}
