/**
 * The whole access policy as a text file: a line for each whom something is set for, comments from # on. Pure.
 *
 *   everyone pop3=off
 *   group "Sales and service" pop3=on imap=off   # they asked for it
 */
import { nearest } from '../../config/nearest.ts';
import type { Subject } from '../subject.ts';
import type { PolicyRule } from './decide.ts';
import { POLICY_NAMES, type PolicyName, settingNamed } from './settings.ts';

const SCOPES = ['everyone', 'domain', 'group', 'account'] as const;

/** What is wrong, and where. */
export interface Mistake {
  /** From 1 on. */
  readonly line: number;
  readonly text: string;
}

/** What one line says. */
export interface PolicyLine {
  readonly line: number;
  readonly whom: Subject;
  readonly settings: ReadonlyMap<PolicyName, string>;
}

/** A file as it was read. */
export interface PolicyFile {
  readonly lines: readonly PolicyLine[];
  /** In the order of the lines; reading ends where there are {@link MISTAKES_LIMIT}. */
  readonly mistakes: readonly Mistake[];
}

/** Mistakes that are told. */
export const MISTAKES_LIMIT = 1_000;

export function parsePolicyFile(text: string): PolicyFile {
  const lines: PolicyLine[] = [];
  const mistakes: Mistake[] = [];
  for (const [index, written] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .entries()) {
    const line = index + 1;
    if (mistakes.length >= MISTAKES_LIMIT) break;
    const wrong = (what: string): void => void mistakes.push({ line, text: what });
    const words = wordsOf(written);
    if (words === null) wrong('A quotation mark (") is not closed.');
    else if (words.length > 0) {
      const read = parseLine(words, wrong);
      if (read !== undefined) lines.push({ line, ...read });
    }
  }
  return { lines, mistakes };
}

/** One NAME=VALUE. @returns the setting and its value in canonical form, or what is wrong with it */
export function parseAssignment(text: string): { readonly setting: PolicyName; readonly value: string } | string {
  const at = text.indexOf('=');
  if (at < 1) return `"${text}" is not written like imap=off.`;
  const setting = settingNamed(text.slice(0, at));
  if (setting === undefined) return unknownSetting(text.slice(0, at));
  const value = setting.canonical(text.slice(at + 1));
  if (value === undefined) return `${setting.name} is ${setting.values}, not "${text.slice(at + 1)}".`;
  return { setting: setting.name, value };
}

export function unknownSetting(name: string): string {
  return `There is no setting ${name}.${meant(name, POLICY_NAMES)}`;
}

/** ` Was X meant?`, or nothing where no known name is near. */
export function meant(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return near === undefined ? '' : ` Was ${near} meant?`;
}

/** Reads back to the same rules. @param rules  of one subject one after the other, in the order to be written */
export function formatPolicyFile(rules: Iterable<PolicyRule>): string {
  let text = '';
  let last: PolicyRule | undefined;
  for (const rule of rules) {
    const { scope, name, setting, value } = rule;
    if (last?.scope !== scope || last.name !== name) {
      text += `${last === undefined ? '' : '\n'}${scope}${name === '' ? '' : ` ${quoted(name)}`}`;
    }
    text += ` ${setting}=${quoted(value)}`;
    last = rule;
  }
  return last === undefined ? '' : `${text}\n`;
}

function parseLine(words: readonly string[], wrong: (text: string) => void): Omit<PolicyLine, 'line'> | undefined {
  const [first = '', ...rest] = words;
  const scope = SCOPES.find((one) => one === first.toLowerCase());
  if (scope === undefined) {
    wrong(`A line begins with ${SCOPES.join(', ')}, not "${first}".${meant(first, SCOPES)}`);
    return undefined;
  }
  const name = scope === 'everyone' ? '' : rest.shift();
  if (name === undefined) {
    wrong(`Which ${scope}? Write its name after the word, in quotation marks (") where it has spaces.`);
    return undefined;
  }
  if (rest.length === 0) wrong('Nothing is set here. Write it like imap=off.');
  const settings = new Map<PolicyName, string>();
  for (const word of rest) {
    const read = parseAssignment(word);
    if (typeof read === 'string') wrong(read);
    else if (settings.has(read.setting)) wrong(`${read.setting} is set twice.`);
    else settings.set(read.setting, read.value);
  }
  return { whom: { scope, name }, settings };
}

/** One word: letters that are no white space, and whatever stands in quotation marks. */
const WORD = /^(?:"(?:[^"\\]|\\.)*"|[^\s"])+/;
const IN_QUOTES = /"((?:[^"\\]|\\.)*)"/g;

/** The words of a line before a comment; in quotation marks \" and \\ stand for themselves. Null: a quotation mark is not closed. */
function wordsOf(line: string): string[] | null {
  const words: string[] = [];
  for (let rest = line.trim(); rest !== '' && !rest.startsWith('#'); ) {
    const word = WORD.exec(rest)?.[0];
    if (word === undefined) return null;
    words.push(word.replace(IN_QUOTES, (_, inside: string) => inside.replace(/\\(["\\])/g, '$1')));
    rest = rest.slice(word.length).trimStart();
  }
  return words;
}

function quoted(text: string): string {
  return /[\s"#\\]|^$/.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : text;
}
