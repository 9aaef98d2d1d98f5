/** Arguments of FETCH and UID FETCH (RFC 9051 6.4.5, RFC 3501 6.4.5, RFC 7162 3.1.4.1, RFC 8474 5). */
import { BadCommand } from '../../errors.ts';
import type { Modseq } from '../../store/ids.ts';
import type { CommandReader } from './reader.ts';
import type { FetchItem, FetchRequest, Partial, Section, SectionText, SimpleFetchItem } from './types.ts';

/** Parts within parts that a section may name. */
const MAX_PART_DEPTH = 50;
const MAX_ITEMS = 500;
/** Field names of one HEADER.FIELDS. */
const MAX_FIELDS = 500;

const SIMPLE: ReadonlySet<string> = new Set<SimpleFetchItem>([
  'FLAGS',
  'UID',
  'INTERNALDATE',
  'RFC822.SIZE',
  'ENVELOPE',
  'BODY',
  'BODYSTRUCTURE',
  'MODSEQ',
  'EMAILID',
  'THREADID',
]);

const FAST: readonly SimpleFetchItem[] = ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE'];
const MACROS: Readonly<Record<string, readonly SimpleFetchItem[]>> = {
  FAST,
  ALL: [...FAST, 'ENVELOPE'],
  FULL: [...FAST, 'ENVELOPE', 'BODY'],
};

const WHOLE: SectionText = { kind: 'all' };

export function fetchRequest(reader: CommandReader): FetchRequest {
  const set = reader.space().sequenceSet();
  const items = fetchItems(reader.space());
  return { set, items, changedSince: reader.skip(' ') ? changedSince(reader) : null };
}

/** One item, a macro, or a list of items. */
function fetchItems(reader: CommandReader): readonly FetchItem[] {
  if (reader.sees('(')) return withoutDoubles(reader.list(fetchItem));
  for (const [name, items] of Object.entries(MACROS)) {
    if (reader.skipWord(name)) return items.map((item) => ({ item }));
  }
  return [fetchItem(reader)];
}

function fetchItem(reader: CommandReader): FetchItem {
  const name = reader.word();
  switch (name) {
    case 'BODY':
      return reader.sees('[') ? bodySection(reader, false) : { item: 'BODY' };
    case 'BODY.PEEK':
      return bodySection(reader, true);
    case 'RFC822':
      return { item: 'SECTION', label: name, section: { part: [], text: WHOLE }, peek: false, partial: null };
    case 'RFC822.HEADER':
      return {
        item: 'SECTION',
        label: name,
        section: { part: [], text: { kind: 'header' } },
        peek: true,
        partial: null,
      };
    case 'RFC822.TEXT':
      return {
        item: 'SECTION',
        label: name,
        section: { part: [], text: { kind: 'text' } },
        peek: false,
        partial: null,
      };
    case 'BINARY':
    case 'BINARY.PEEK': {
      const part = binaryPart(reader);
      const range = partial(reader);
      const label = `BINARY[${part.join('.')}]${origin(range)}`;
      return { item: 'BINARY', label, part, peek: name === 'BINARY.PEEK', partial: range };
    }
    case 'BINARY.SIZE': {
      const part = binaryPart(reader);
      return { item: 'BINARY.SIZE', label: `BINARY.SIZE[${part.join('.')}]`, part };
    }
  }
  if (!SIMPLE.has(name)) throw new BadCommand(`${name} is not a FETCH item we know`);
  return { item: name as SimpleFetchItem };
}

/** `[section]<offset.length>` after BODY. */
function bodySection(reader: CommandReader, peek: boolean): FetchItem {
  reader.sign('[');
  const part = partNumbers(reader);
  let text = WHOLE;
  let name = part.join('.');
  if (!reader.sees(']')) {
    const named = sectionText(reader, part.length > 0);
    text = named.text;
    name = part.length > 0 ? `${name}.${named.name}` : named.name;
  }
  reader.sign(']');
  const range = partial(reader);
  const section: Section = { part, text };
  return { item: 'SECTION', label: `BODY[${name}]${origin(range)}`, section, peek, partial: range };
}

/** `1.2.` before a section's text, or `1.2` alone. */
function partNumbers(reader: CommandReader): number[] {
  const numbers: number[] = [];
  while (reader.seesDigit()) {
    if (numbers.length >= MAX_PART_DEPTH) throw new BadCommand('the section names too many parts');
    numbers.push(reader.nzNumber());
    if (!reader.skip('.')) {
      if (!reader.sees(']')) throw reader.expected(']');
      return numbers;
    }
    if (reader.sees(']')) throw reader.expected('a part number');
  }
  return numbers;
}

function sectionText(reader: CommandReader, inPart: boolean): { readonly text: SectionText; readonly name: string } {
  const name = reader.word();
  switch (name) {
    case 'HEADER':
      return { text: { kind: 'header' }, name };
    case 'TEXT':
      return { text: { kind: 'text' }, name };
    case 'MIME':
      if (inPart) return { text: { kind: 'mime' }, name };
      throw new BadCommand('MIME needs the number of a part'); // RFC 9051 6.4.5
    case 'HEADER.FIELDS':
    case 'HEADER.FIELDS.NOT': {
      const fields = reader.space().list(fieldName);
      if (fields.length > MAX_FIELDS) throw new BadCommand('too many field names');
      return {
        text: { kind: 'fields', names: fields.map((field) => field.toLowerCase()), not: name.endsWith('NOT') },
        name: `${name} (${fields.map(written).join(' ')})`,
      };
    }
  }
  throw new BadCommand(`${name} is not a section we know`);
}

/** A header field's name (RFC 5322 3.6.8). */
export function fieldName(reader: CommandReader): string {
  const name = reader.astring();
  if (!/^[\x21-\x39\x3b-\x7e]+$/.test(name)) throw new BadCommand('a field name is printable ASCII without a colon');
  return name;
}

function written(name: string): string {
  return /[(){%*"\\\]]/.test(name) ? `"${name.replace(/["\\]/g, '\\$&')}"` : name;
}

function binaryPart(reader: CommandReader): readonly number[] {
  reader.sign('[');
  const part = partNumbers(reader);
  reader.sign(']');
  return part;
}

function partial(reader: CommandReader): Partial | null {
  if (!reader.skip('<')) return null;
  const offset = reader.number64();
  const length = reader.sign('.').number64();
  reader.sign('>');
  if (length === 0) throw new BadCommand('a partial has at least one byte');
  return { offset, length };
}

function origin(range: Partial | null): string {
  return range === null ? '' : `<${range.offset}>`;
}

function changedSince(reader: CommandReader): Modseq {
  const [modseq] = reader.list(() => {
    if (!reader.skipWord('CHANGEDSINCE')) throw reader.expected('CHANGEDSINCE');
    return reader.space().modseq();
  });
  return modseq!;
}

/** Items that would be answered alike are answered once; one that sets \Seen does so though another peeks. */
function withoutDoubles(items: readonly FetchItem[]): readonly FetchItem[] {
  if (items.length > MAX_ITEMS) throw new BadCommand('too many FETCH items');
  const byLabel = new Map<string, FetchItem>();
  for (const item of items) {
    const label = 'label' in item ? item.label : item.item;
    const before = byLabel.get(label);
    if (before === undefined || ('peek' in before && before.peek)) byLabel.set(label, item);
  }
  return [...byLabel.values()];
}
