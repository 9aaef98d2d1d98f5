/** What a person reads of a report: what happened, to whom, and what to do, in their language. Pure. */
import type { Language } from '../../config/languages.ts';
import { domainOf } from '../../message/addresses.ts';
import type { EpochSeconds, Milliseconds } from '../../store/ids.ts';
import { recalled } from '../outcomes.ts';
import { lineOf } from '../reply.ts';
import { TEXTS } from './languages/all.ts';
import { reasonOf } from './reason.ts';
import type { ReportTexts } from './texts.ts';
import { ACTIONS, type Action, type Told } from './told.ts';

/** What is told of the message itself. */
export interface AboutMessage {
  /** Its reverse path. */
  readonly sender: string;
  /** Decoded; empty: it has none. */
  readonly subject: string;
  readonly sizeBytes: number;
  readonly arrived: EpochSeconds;
  /** For how long it was tried. */
  readonly tried: Milliseconds;
  readonly attached: keyof ReportTexts['attached'] | 'nothing';
}

export interface PersonText {
  /** Of the report's From field. */
  readonly writer: string;
  readonly subject: string;
  /** Lines ended by CRLF. */
  readonly text: string;
}

/** In one header field, whatever the message's own has. */
const SUBJECT_MOST = 200;
const HOUR = 3_600_000;
/** How dates and numbers are written. */
const LOCALES = { en: 'en-GB', de: 'de', fr: 'fr', es: 'es', nl: 'nl', it: 'it' } as const;

export function personText(language: Language, message: AboutMessage, recipients: readonly Told[]): PersonText {
  const texts = TEXTS[language];
  const counts = new Intl.PluralRules(language);
  const paragraphs: string[] = [];
  const actions = ACTIONS.filter((action) => recipients.some((told) => told.action === action));
  for (const action of actions) {
    const those = recipients.filter((told) => told.action === action);
    const { [action]: opening } = texts.opening;
    paragraphs.push(counts.select(those.length) === 'one' ? opening.one : opening.other);
    for (const told of those) paragraphs.push(ofRecipient(told, message, texts, language));
    const [{ until }] = those as [Told];
    if (until !== undefined) paragraphs.push(filled(texts.goesOn, { until: date(until, language) }));
  }
  const subject = shortened(message.subject) || texts.noSubject;
  const { labels, attached } = texts;
  const sent = date(message.arrived, language);
  paragraphs.push(`${filled(labels.subject, { subject })}\r\n${filled(labels.sent, { sent })}`);
  if (message.attached !== 'nothing') paragraphs.push(attached[message.attached]);
  return {
    writer: texts.writer,
    subject: filled(texts.subject[actions[0]!], { subject }),
    text: `${paragraphs.join('\r\n\r\n')}\r\n`,
  };
}

/** Why somebody waits. @param reply  what the last attempt came to, as the queue keeps it */
export function waitingReason(
  language: Language,
  reply: string,
  { address, ...message }: Pick<Told, 'address'> & Pick<AboutMessage, 'sender' | 'sizeBytes'>,
): string {
  const said = recalled(reply)?.said ?? { reply: 451, status: '', text: reply };
  return reasonText({ address, said, ours: said.theirs !== true }, message, TEXTS[language], language);
}

function reasonText(
  { address, said, ours, ofSeveral }: Pick<Told, 'address' | 'said' | 'ours' | 'ofSeveral'>,
  { sender, sizeBytes }: Pick<AboutMessage, 'sender' | 'sizeBytes'>,
  texts: ReportTexts,
  language: Language,
): string {
  const values = { domain: domainOf(address), sender, size: size(sizeBytes, language) };
  const reason = reasonOf(said, ours);
  return filled(texts.reasons[ofSeveral && reason === 'mailboxFull' ? 'oneMailboxFull' : reason], values);
}

/** The address, then why, a little further in. */
function ofRecipient(told: Told, message: AboutMessage, texts: ReportTexts, language: Language): string {
  const lines = isTrouble(told.action) ? troubleLines(told, message, texts, language) : [];
  return [`  ${told.address}`, ...lines.map((line) => `    ${line}`)].join('\r\n');
}

function isTrouble(action: Action): boolean {
  return action === 'failed' || action === 'delayed';
}

function troubleLines(told: Told, message: AboutMessage, texts: ReportTexts, language: Language): string[] {
  const { action, said } = told;
  const reason = reasonText(told, message, texts, language);
  // It failed because its time is over: what was said last might have changed.
  const gaveUp = action === 'failed' && said.reply < 500;
  const triedFor = gaveUp ? [filled(texts.triedFor, { duration: duration(message.tried, language) })] : [];
  return [reason, ...triedFor, ...sayings(told, texts)];
}

function sayings({ said, peer, ours }: Told, texts: ReportTexts): string[] {
  if (peer !== '' && !ours) return [filled(texts.answered, { server: peer, answer: lineOf(said) })];
  if (said.text === '') return [];
  return [filled(texts.detail, { detail: peer === '' ? said.text : `${peer}: ${said.text}` })];
}

function filled(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (_whole, name: string) => values[name] ?? '');
}

function shortened(subject: string): string {
  const line = subject.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim();
  const characters = [...line];
  return characters.length <= SUBJECT_MOST ? line : `${characters.slice(0, SUBJECT_MOST - 1).join('')}…`;
}

/** In the zone of the server, which is the office's. */
function date(at: EpochSeconds, language: Language): string {
  const day = { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' } as const;
  const time = { hour: 'numeric', minute: '2-digit', timeZoneName: 'short' } as const;
  return new Intl.DateTimeFormat(LOCALES[language], { ...day, ...time }).format(at * 1_000);
}

function duration(length: Milliseconds, language: Language): string {
  const hours = Math.max(1, Math.round(length / HOUR));
  const [value, unit] = hours < 36 ? [hours, 'hour'] : [Math.round(hours / 24), 'day'];
  return new Intl.NumberFormat(LOCALES[language], { style: 'unit', unit, unitDisplay: 'long' }).format(value);
}

function size(bytes: number, language: Language): string {
  const megabytes = bytes / 1_000_000;
  const [value, unit] = megabytes < 1 ? [Math.ceil(bytes / 1_000), 'kilobyte'] : [megabytes, 'megabyte'];
  return new Intl.NumberFormat(LOCALES[language], { style: 'unit', unit, maximumFractionDigits: 1 }).format(value);
}
