/**
 * Search keys made ready to judge messages by (RFC 9051 6.4.4). Pure.
 *
 * A verdict may be open: a key that needs more of the message than is there yet answers undefined, and AND, OR and NOT
 * pass that on unless the rest settles it. So each message is judged by its view first, its record next, its header and at last
 * its text, and no more is read of it than the question needs; the answer is the same as if all had been read.
 */
import { Refused } from '../errors.ts';
import { foldCase } from '../message/casemap.ts';
import { decodeText, isKnownCharset } from '../message/charsets.ts';
import { sentDay } from '../message/envelope.ts';
import { decodedHeader, type Header } from '../message/header.ts';
import type { MailboxView } from '../store/api.ts';
import type { EpochSeconds } from '../store/ids.ts';
import type { EmailRecord } from '../store/types.ts';
import { byUid, type Numbering, sequenceNumbersOf } from './message-numbers.ts';
import { emailObjectId, threadObjectId } from './object-ids.ts';
import { NumberSet } from './syntax/number-set.ts';
import type { SearchKey, SearchRequest } from './syntax/types.ts';
import type { Needle, TextFinder } from './text-finder.ts';

/** What is known of a message so far; each part is null until it was read. */
export interface Evidence {
  readonly view: MailboxView;
  index: number;
  record: EmailRecord | null;
  header: Header | null;
  /** The finder that has seen the message's whole text. */
  text: TextFinder | null;
}

/** The mailbox that is searched. */
export interface SearchScope extends Numbering {
  /** UIDs that are \Recent to the session. */
  readonly recent: NumberSet;
}

/** Undefined: more of the message must be read first. */
type Verdict = boolean | undefined;
export type Criterion = (evidence: Evidence) => Verdict;

export interface Criteria {
  readonly judge: Criterion;
  /** What BODY and TEXT look for, in the order the criterion asks the finder for. */
  readonly needles: readonly Needle[];
}

const DAY = 86_400;

/**
 * @param now for OLDER and YOUNGER
 * @throws Refused `search.charset`
 */
export function searchCriteria({ key, charset }: SearchRequest, scope: SearchScope, now: EpochSeconds): Criteria {
  if (charset !== null && !isKnownCharset(charset)) {
    throw new Refused('search.charset', 'This server does not know that charset; UTF-8 always works.');
  }
  const compiler = new Compiler(scope, charset ?? 'utf-8', now);
  return { judge: compiler.criterion(key), needles: compiler.needles };
}

/** True when a key of this name occurs anywhere. */
export function asksFor(name: SearchKey['key'], key: SearchKey): boolean {
  switch (key.key) {
    case 'and':
      return key.keys.some((inner) => asksFor(name, inner));
    case 'or':
      return asksFor(name, key.left) || asksFor(name, key.right);
    case 'not':
      return asksFor(name, key.of);
    default:
      return key.key === name;
  }
}

class Compiler {
  readonly needles: Needle[] = [];
  readonly #scope: SearchScope;
  readonly #charset: string;
  readonly #now: EpochSeconds;

  constructor(scope: SearchScope, charset: string, now: EpochSeconds) {
    this.#scope = scope;
    this.#charset = charset;
    this.#now = now;
  }

  criterion(key: SearchKey): Criterion {
    switch (key.key) {
      case 'all':
        return () => true;
      case 'and':
        return all(key.keys.map((inner) => this.criterion(inner)));
      case 'or':
        return any(this.criterion(key.left), this.criterion(key.right));
      case 'not':
        return not(this.criterion(key.of));
      case 'sequence':
      case 'uid':
        return inSet(this.#numbers(key));
      case 'flag':
        return hasFlag(key);
      case 'recent': {
        const { recent } = this.#scope;
        return ({ view, index }) => recent.has(view.uid(index));
      }
      case 'larger':
        return ({ view, index }) => view.size(index) > key.bytes;
      case 'smaller':
        return ({ view, index }) => view.size(index) < key.bytes;
      case 'before':
        return ({ view, index }) => view.received(index) < key.day;
      case 'on':
        return ({ view, index }) => view.received(index) >= key.day && view.received(index) < key.day + DAY;
      case 'since':
        return ({ view, index }) => view.received(index) >= key.day;
      case 'sentbefore':
        return sent((day) => day < key.day / DAY);
      case 'senton':
        return sent((day) => day === key.day / DAY);
      case 'sentsince':
        return sent((day) => day >= key.day / DAY);
      case 'older': {
        const before = this.#now - key.seconds; // RFC 5032 3
        return ({ view, index }) => view.received(index) <= before;
      }
      case 'younger': {
        const since = this.#now - key.seconds;
        return ({ view, index }) => view.received(index) >= since;
      }
      case 'modseq':
        return ({ view, index }) => view.modseqOf(index) >= key.modseq;
      case 'emailid':
        return ({ view, index }) => key.id === emailObjectId(view.email(index));
      case 'threadid':
        return ({ record }) => (record === null ? undefined : key.id === threadObjectId(record.thread));
      case 'bcc':
      case 'cc':
      case 'from':
      case 'to':
      case 'subject':
        return inField(key.key, this.#folded(key.text));
      case 'header':
        return inField(key.name, this.#folded(key.text));
      case 'body':
      case 'text': {
        const needle = this.needles.push({ text: this.#folded(key.text), inHeader: key.key === 'text' }) - 1;
        return ({ text }) => text?.found(needle);
      }
    }
  }

  /** A set in a search is a filter: what is not there does not match, and is no error. */
  #numbers({ key, set }: Extract<SearchKey, { readonly key: 'sequence' | 'uid' }>): NumberSet {
    const { view, saved } = this.#scope;
    if (key === 'uid') return byUid(set, this.#scope);
    return set.kind === 'saved' ? sequenceNumbersOf(saved, view) : NumberSet.resolve(set.bounds, view.length);
  }

  #folded(bytes: Buffer): string {
    return foldCase(decodeText(bytes, this.#charset));
  }
}

/** Stops at the first that says no; needs no order by cost, since nothing is read while judging. */
function all(criteria: readonly Criterion[]): Criterion {
  return (evidence) => {
    let verdict: Verdict = true;
    for (const criterion of criteria) {
      const one = criterion(evidence);
      if (one === false) return false;
      if (one === undefined) verdict = undefined;
    }
    return verdict;
  };
}

function any(left: Criterion, right: Criterion): Criterion {
  return (evidence) => {
    const one = left(evidence);
    if (one === true) return true;
    const other = right(evidence);
    return other === true ? true : one === undefined || other === undefined ? undefined : false;
  };
}

function not(criterion: Criterion): Criterion {
  return (evidence) => {
    const verdict = criterion(evidence);
    return verdict === undefined ? undefined : !verdict;
  };
}

function inSet(numbers: NumberSet): Criterion {
  return ({ index }) => numbers.has(index + 1);
}

function hasFlag({ flag, present }: Extract<SearchKey, { readonly key: 'flag' }>): Criterion {
  const { bits, keywords } = flag;
  if (bits !== 0) return ({ view, index }) => ((view.flagBits(index) & bits) === bits) === present;
  const names = keywords.map((name) => name.toLowerCase());
  return ({ view, index }) =>
    view.keywordsOf(index).some((keyword) => names.includes(keyword.toLowerCase())) === present;
}

/** By the day in the Date field as it is written, time and zone disregarded; a message without one never matches. */
function sent(matches: (day: number) => boolean): Criterion {
  return ({ record }) => {
    if (record === null) return undefined;
    const day = sentDay(record.analysis.envelope);
    return day !== null && matches(day);
  };
}

/** An empty text asks whether the field is there (RFC 9051 6.4.4, HEADER). */
function inField(name: string, text: string): Criterion {
  return ({ header }) =>
    header?.all(name).some((value) => text === '' || foldCase(decodedHeader(value)).includes(text));
}
