/** Arguments of SEARCH and UID SEARCH (RFC 9051 6.4.4, RFC 4731, RFC 5182, RFC 5032, RFC 7162 3.1.5, RFC 8474 6). */
import { BadCommand } from '../../errors.ts';
import { flagsFrom } from '../../store/flags.ts';
import { date } from './dates.ts';
import { fieldName } from './fetch.ts';
import { type CommandReader, MAX_DEPTH } from './reader.ts';
import type { SearchKey, SearchRequest, SearchReturn } from './types.ts';

const RETURN_ALL: SearchReturn = { min: false, max: false, count: false, all: true, save: false };

/** Keys that ask for one system flag, or for its absence. */
const FLAG_KEYS: Readonly<Record<string, readonly [flag: string, present: boolean]>> = {
  ANSWERED: ['\\Answered', true],
  DELETED: ['\\Deleted', true],
  DRAFT: ['\\Draft', true],
  FLAGGED: ['\\Flagged', true],
  SEEN: ['\\Seen', true],
  UNANSWERED: ['\\Answered', false],
  UNDELETED: ['\\Deleted', false],
  UNDRAFT: ['\\Draft', false],
  UNFLAGGED: ['\\Flagged', false],
  UNSEEN: ['\\Seen', false],
};

export function searchRequest(reader: CommandReader): SearchRequest {
  reader.space();
  const returns = reader.skipWord('RETURN') ? searchReturn(reader) : null;
  const charset = reader.skipWord('CHARSET') ? charsetName(reader) : null;
  const keys = [searchKey(reader, 0)];
  while (!reader.atEnd && reader.skip(' ')) {
    if (reader.atEnd) break;
    keys.push(searchKey(reader, 0));
  }
  return { returns, charset, key: all(keys) };
}

/** ` (MIN COUNT) ` after RETURN. */
function searchReturn(reader: CommandReader): SearchReturn {
  const options = reader.space().list((list) => list.word(), true);
  reader.space();
  for (const option of options) {
    if (!['MIN', 'MAX', 'COUNT', 'ALL', 'SAVE'].includes(option)) {
      throw new BadCommand(`${option} is not a RETURN option we know`);
    }
  }
  if (options.length === 0) return RETURN_ALL; // RFC 4731 3.1
  return {
    min: options.includes('MIN'),
    max: options.includes('MAX'),
    count: options.includes('COUNT'),
    all: options.includes('ALL'),
    save: options.includes('SAVE'),
  };
}

function charsetName(reader: CommandReader): string {
  const name = reader.space().astring();
  reader.space();
  return name;
}

function all(keys: readonly SearchKey[]): SearchKey {
  return keys.length === 1 ? keys[0]! : { key: 'and', keys };
}

function searchKey(reader: CommandReader, depth: number): SearchKey {
  if (depth > MAX_DEPTH) throw new BadCommand(`search keys stand at most ${MAX_DEPTH} deep in each other`);
  if (reader.sees('(')) return all(reader.list(() => searchKey(reader, depth + 1)));
  if (reader.seesSet()) return { key: 'sequence', set: reader.sequenceSet() };

  const name = reader.word();
  const flag = FLAG_KEYS[name];
  if (flag !== undefined) return { key: 'flag', flag: flagsFrom([flag[0]]), present: flag[1] };
  switch (name) {
    case 'ALL':
      return { key: 'all' };
    case 'RECENT':
      return { key: 'recent' };
    case 'OLD':
      return { key: 'not', of: { key: 'recent' } };
    case 'NEW':
      return { key: 'and', keys: [{ key: 'recent' }, { key: 'flag', flag: flagsFrom(['\\Seen']), present: false }] };
    case 'KEYWORD':
    case 'UNKEYWORD':
      return { key: 'flag', flag: flagsFrom([reader.space().keyword()]), present: name === 'KEYWORD' };
    case 'NOT':
      return { key: 'not', of: searchKey(reader.space(), depth + 1) };
    case 'OR': {
      const left = searchKey(reader.space(), depth + 1);
      return { key: 'or', left, right: searchKey(reader.space(), depth + 1) };
    }
    case 'UID':
      return { key: 'uid', set: reader.space().uidSet() };
    case 'BCC':
    case 'CC':
    case 'FROM':
    case 'TO':
    case 'SUBJECT':
    case 'BODY':
    case 'TEXT':
      return { key: lower(name), text: searchText(reader) };
    case 'HEADER':
      return { key: 'header', name: fieldName(reader.space()).toLowerCase(), text: searchText(reader) };
    case 'LARGER':
    case 'SMALLER':
      return { key: lower(name), bytes: reader.space().number64() };
    case 'BEFORE':
    case 'ON':
    case 'SINCE':
    case 'SENTBEFORE':
    case 'SENTON':
    case 'SENTSINCE':
      return { key: lower(name), day: date(reader.space()) };
    case 'OLDER':
    case 'YOUNGER':
      return { key: lower(name), seconds: reader.space().nzNumber() };
    case 'MODSEQ':
      return modseqKey(reader.space());
    case 'EMAILID':
    case 'THREADID':
      return { key: lower(name), id: objectId(reader.space()) };
  }
  throw new BadCommand(`${name} is not a search key we know`);
}

function lower<Name extends string>(name: Name): Lowercase<Name> {
  return name.toLowerCase() as Lowercase<Name>;
}

function searchText(reader: CommandReader): Buffer {
  return Buffer.from(reader.space().astring(), 'latin1');
}

/** `MODSEQ "/flags/\\Seen" all 620162338`, or the number alone. */
function modseqKey(reader: CommandReader): SearchKey {
  if (reader.sees('"')) {
    if (!/^\/flags\/./.test(reader.string())) throw new BadCommand('an entry name begins with /flags/');
    const type = reader.space().word();
    if (type !== 'ALL' && type !== 'PRIV' && type !== 'SHARED')
      throw new BadCommand('an entry type is all, priv or shared');
    reader.space();
  }
  return { key: 'modseq', modseq: reader.modseq() };
}

function objectId(reader: CommandReader): string {
  const id = reader.astring();
  if (!/^[A-Za-z0-9_-]{1,255}$/.test(id)) throw new BadCommand('that is no object id'); // RFC 8474 7
  return id;
}
