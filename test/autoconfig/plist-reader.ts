/** Reads Apple's property lists (the XML form) for tests: strictly, so that what is no property list is an error. */
import assert from 'node:assert/strict';
import { XMLParser, XMLValidator } from 'fast-xml-parser';

type Node = Readonly<Record<string, readonly Node[] | string>>;

export function readPlist(text: string): unknown {
  assert.equal(XMLValidator.validate(text), true);
  assert.match(
    text,
    /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<!DOCTYPE plist PUBLIC "-\/\/Apple\/\/DTD PLIST 1\.0\/\/EN"/,
  );
  const parser = new XMLParser({ preserveOrder: true, parseTagValue: false, trimValues: true });
  const nodes = parser.parse(text.replace(/<!DOCTYPE[^>]*>/, '')) as Node[];
  const root = nodes.find((node) => 'plist' in node)!['plist'] as Node[];
  assert.equal(root.length, 1);
  return value(root[0]!);
}

function value(node: Node): unknown {
  const [[name, content]] = Object.entries(node) as [[string, Node[]]];
  switch (name) {
    case 'string':
      return text(content);
    case 'integer':
      assert.match(text(content), /^-?\d+$/);
      return Number(text(content));
    case 'true':
    case 'false':
      return name === 'true';
    case 'array':
      return content.map(value);
    case 'dict': {
      assert.equal(content.length % 2, 0, 'a key without a value');
      const entries: [string, unknown][] = [];
      for (let i = 0; i < content.length; i += 2) {
        assert.ok('key' in content[i]!, `a value without a key: ${JSON.stringify(content[i])}`);
        entries.push([text(content[i]!['key'] as Node[]), value(content[i + 1]!)]);
      }
      assert.equal(new Set(entries.map(([key]) => key)).size, entries.length, 'a key that comes twice');
      return Object.fromEntries(entries);
    }
    default:
      assert.fail(`<${name}> is not part of a property list`);
  }
}

function text(content: readonly Node[]): string {
  return content.map((node) => String(node['#text'])).join('');
}
