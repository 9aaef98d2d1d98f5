/**
 * A mailbox as offices have them, made up: sizes log-normal with a median near 8 KB and at most 2 MB, replies and
 * threads, names and subjects in many scripts, all transfer encodings, alternatives and attachments, lists, signatures.
 *
 *   node bench/corpus.ts COUNT PREFIX      writes PREFIX.mbox (CRLF) and PREFIX.json
 *
 * The same every time: the n-th message depends on n and on the subjects before it, so a corpus of 1,000 begins one of 10,000.
 * PREFIX.json tells what a checker must know: where each message lies, its size, Message-ID, subject and sender, and
 * which have the planted words.
 */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { base64Lines, encodedWord, quotedPrintable } from './corpus/encodings.ts';
import { Random } from './corpus/random.ts';
import { COMMON_WORDS, FIRST_NAMES, FOREIGN_WORDS, LAST_NAMES, SYLLABLES, TOPICS } from './corpus/words.ts';

/** Planted in the text of bodies only, in one message of fifty; in subjects only, one of two hundred or so. */
const BODY_WORD = 'zanzibarite';
const SUBJECT_WORD = 'quokkameter';

const FIRST_DAY = Date.UTC(2023, 0, 2, 8);
const MEDIAN_BYTES = 7_900;
const SMALLEST = 1_200;
const LARGEST = 1_950_000;
/** Replies answer one of so many messages before. */
const RECENT = 60;
const LONGEST_LINE = 71;

interface Sent {
  readonly id: string;
  readonly subject: string;
  readonly references: readonly string[];
}

interface Facts {
  readonly offset: number;
  readonly size: number;
  readonly id: string;
  readonly subject: string;
  readonly from: string;
  readonly hasBodyWord: boolean;
}

const vocabulary = makeVocabulary();

/** Writes the corpus; the .json comes last, so that where it is the corpus is whole. */
export async function writeCorpus(count: number, prefix: string): Promise<void> {
  const mbox = createWriteStream(`${prefix}.mbox`);
  const messages: Facts[] = [];
  const recent: Sent[] = [];
  let offset = 0;
  for (let n = 0; n < count; n++) {
    const { bytes, sent, from, hasBodyWord, date } = makeMessage(n, recent);
    recent.push(sent);
    if (recent.length > RECENT) recent.shift();
    const envelope = Buffer.from(`From bench@example.org ${mboxDate(date)}\r\n`);
    messages.push({
      offset: offset + envelope.length,
      size: bytes.length,
      id: sent.id,
      subject: sent.subject,
      from,
      hasBodyWord,
    });
    const record = Buffer.concat([envelope, bytes, Buffer.from('\r\n')]);
    offset += record.length;
    if (!mbox.write(record)) await once(mbox, 'drain');
  }
  mbox.end();
  await once(mbox, 'finish');
  await writeFile(`${prefix}.json.new`, JSON.stringify({ bodyWord: BODY_WORD, subjectWord: SUBJECT_WORD, messages }));
  await rename(`${prefix}.json.new`, `${prefix}.json`);
}

/** The first messages of the corpus, one after the other, without files. */
export function* corpusMessages(count: number): Generator<Buffer, void, void> {
  const recent: Sent[] = [];
  for (let n = 0; n < count; n++) {
    const { bytes, sent } = makeMessage(n, recent);
    recent.push(sent);
    if (recent.length > RECENT) recent.shift();
    yield bytes;
  }
}

function makeMessage(n: number, recent: readonly Sent[]) {
  const random = new Random(n);
  const size = Math.min(LARGEST, Math.max(SMALLEST, MEDIAN_BYTES * Math.exp(1.5 * random.gauss())));
  const date = new Date(FIRST_DAY + (n * 613 + random.below(400)) * 1_000);
  const name = `${random.pick(FIRST_NAMES)} ${random.pick(LAST_NAMES)}`;
  const domain = random.pick(['example.org', 'example.com', 'mail.example.net', 'lists.example.edu']);
  const address = `user${random.below(300)}@${domain}`;
  const id = `<bench-${n}.${random.bytes(6).toString('hex')}@${domain}>`;
  const { subject, references } = subjectOf(random, recent);
  const hasBodyWord = random.chance(0.02);
  const foreign = random.chance(0.35);
  const bareAddress = random.chance(0.1);

  const header = [
    ...traceLines(random, address, date),
    ...(random.chance(0.6) ? [signatureLine(random, domain)] : []),
    `Message-ID: ${id}`,
    `Date: ${internetDate(date)}`,
    bareAddress ? `From: ${address}` : `From: ${encodedWord(name)} <${address}>`,
    `To: ${recipients(random, random.chance(0.7) ? 1 : 2 + random.below(11)).join(',\r\n\t')}`,
    ...(random.chance(0.25) ? [`Cc: "Smith, Alice" <u${1 + random.below(200)}@example.org>`] : []),
    `Subject: ${encodedWord(subject)}`,
    ...(references.length > 0 ? [`In-Reply-To: ${references.at(-1)}`, `References: ${references.join('\r\n\t')}`] : []),
    ...(random.chance(0.25) ? listLines(random) : []),
    'MIME-Version: 1.0',
    `X-Bench-Id: ${n}`,
    '',
  ].join('\r\n');
  const content = contentOf(random, Math.max(200, size - header.length), foreign, hasBodyWord);
  return {
    bytes: Buffer.concat([Buffer.from(header), content]),
    sent: { id, subject, references: [...references, id].slice(-8) },
    from: bareAddress ? address : `${name} <${address}>`,
    hasBodyWord,
    date,
  };
}

function subjectOf(random: Random, recent: readonly Sent[]) {
  if (recent.length > 0 && random.chance(0.4)) {
    const { subject, references } = random.pick(recent);
    return { subject: subject.startsWith('Re: ') ? subject : `Re: ${subject}`, references };
  }
  const words = Array.from({ length: 1 + random.below(6) }, () => random.pick(vocabulary.words));
  const planted = random.chance(0.01) ? [SUBJECT_WORD] : [];
  return { subject: [random.pick(TOPICS), ...words, ...planted].join(' '), references: [] };
}

function traceLines(random: Random, sender: string, date: Date): string[] {
  const hops = Array.from(
    { length: 1 + random.below(4) },
    (_, hop) =>
      `Received: from relay${hop}.example.net (relay${hop}.example.net [192.0.2.${1 + random.below(254)}])\r\n` +
      `\tby mx${hop + 1}.example.org (Mailer) with ESMTPS id ${random.bytes(6).toString('hex')}\r\n` +
      `\tfor <u1@example.org>; ${internetDate(date)}`,
  );
  return [`Return-Path: <${sender}>`, ...hops];
}

function signatureLine(random: Random, domain: string): string {
  const signature = random.bytes(192).toString('base64');
  return (
    `DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=${domain};\r\n\ts=sel${random.below(9)}; ` +
    `h=from:to:subject:date:message-id; bh=${signature.slice(0, 44)};\r\n\tb=${signature.match(/.{1,68}/g)!.join('\r\n\t ')}`
  );
}

function recipients(random: Random, count: number): string[] {
  return Array.from({ length: count }, () => {
    const name = `${random.pick(FIRST_NAMES)} ${random.pick(LAST_NAMES)}`;
    return `${encodedWord(name)} <u${1 + random.below(200)}@example.org>`;
  });
}

function listLines(random: Random): string[] {
  const list = `list${random.below(20)}`;
  return [
    `List-Id: <${list}.lists.example.edu>`,
    `List-Unsubscribe: <mailto:${list}-leave@lists.example.edu>,\r\n\t<https://lists.example.edu/${list}>`,
    'Precedence: list',
  ];
}

/** The content fields, the empty line and the body. */
function contentOf(random: Random, size: number, foreign: boolean, planted: boolean): Buffer {
  const boundary = `=_b${random.bytes(8).toString('hex')}`;
  const shape = random.next();
  if (size <= 40_000 && shape <= 0.25)
    return textPart(random, 'plain', textLines(random, size, foreign, planted), foreign);
  if (size <= 40_000 && shape <= 0.85) {
    return alternative(random, boundary, textLines(random, size * 0.4, foreign, planted), foreign);
  }
  const textSize = Math.min(size / 4, 800 + random.below(5_200));
  const text = alternative(random, `${boundary}a`, textLines(random, textSize, foreign, planted), foreign);
  const rest = Math.max(300, size - text.length);
  const count = rest < 20_000 ? 1 : 1 + random.below(3);
  const attachments = Array.from({ length: count }, () => attachment(random, Math.floor(rest / count / 1.37)));
  return multipart('mixed', boundary, [text, ...attachments]);
}

function alternative(random: Random, boundary: string, lines: readonly string[], foreign: boolean): Buffer {
  const html = ['<html><body>', ...lines.map((line) => `<p>${line}</p>`), '</body></html>'];
  return multipart('alternative', boundary, [
    textPart(random, 'plain', lines, foreign),
    textPart(random, 'html', html, foreign),
  ]);
}

function multipart(kind: string, boundary: string, parts: readonly Buffer[]): Buffer {
  const head = `Content-Type: multipart/${kind};\r\n\tboundary="${boundary}"\r\n\r\n`;
  const preamble = kind === 'mixed' ? 'This is a multi-part message in MIME format.\r\n' : '';
  const delimiter = Buffer.from(`\r\n--${boundary}\r\n`);
  return Buffer.concat([
    Buffer.from(head + preamble),
    ...parts.flatMap((part) => [delimiter, part]),
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
}

function textPart(random: Random, subtype: string, lines: readonly string[], foreign: boolean): Buffer {
  const encoding = foreign
    ? random.pick(['8bit', 'quoted-printable', 'quoted-printable', 'base64'])
    : random.pick(['7bit', '7bit', '7bit', 'quoted-printable']);
  const text = `${lines.join('\r\n')}\r\n`;
  const encoded =
    encoding === 'quoted-printable'
      ? quotedPrintable(text)
      : encoding === 'base64'
        ? base64Lines(Buffer.from(text))
        : text;
  const charset = foreign ? 'utf-8' : 'us-ascii';
  return Buffer.from(
    `Content-Type: text/${subtype}; charset=${charset}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${encoded}`,
  );
}

function attachment(random: Random, size: number): Buffer {
  const { type, disposition } = random.pick([
    { type: 'application/pdf', disposition: 'attachment; filename="report.pdf"' },
    { type: 'image/jpeg', disposition: 'attachment; filename="photo.jpg"' },
    { type: 'application/octet-stream', disposition: 'attachment; filename="sheet.xlsx"' },
    { type: 'image/png', disposition: "attachment;\r\n\tfilename*=utf-8''gr%C3%B6%C3%9Fe.png" },
  ]);
  return Buffer.from(
    `Content-Type: ${type}\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: ${disposition}\r\n\r\n` +
      base64Lines(random.bytes(size)),
  );
}

/** Words as frequent as in a language, in lines; now and then an empty line, or lines that begin with a dot. */
function textLines(random: Random, size: number, foreign: boolean, planted: boolean): string[] {
  const words = Array.from({ length: Math.max(5, Math.floor(size / 6)) }, () => commonWord(random));
  if (foreign) {
    for (let i = 0; i <= words.length / 40; i++) words[random.below(words.length)] = random.pick(FOREIGN_WORDS);
  }
  if (planted) words[random.below(words.length)] = BODY_WORD;
  const lines: string[] = [];
  let line = '';
  for (const word of words) {
    if (line.length + word.length >= LONGEST_LINE) {
      lines.push(line);
      if (random.chance(0.08)) lines.push('');
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line);
  if (random.chance(0.1)) lines.splice(random.below(lines.length), 0, '.dotted line', '.', '..two dots');
  return lines;
}

/** The n-th most frequent word is used about 1/n as often as the first. */
function commonWord(random: Random): string {
  const { words, cumulative } = vocabulary;
  const wanted = random.next() * cumulative.at(-1)!;
  let low = 0;
  for (let high = cumulative.length - 1; low < high; ) {
    const middle = (low + high) >> 1;
    if (cumulative[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return words[low]!;
}

function makeVocabulary() {
  const random = new Random(4242);
  const made = Array.from({ length: 6_000 }, () =>
    Array.from({ length: 2 + random.below(3) }, () => random.pick(SYLLABLES)).join(''),
  );
  const words = [...COMMON_WORDS, ...new Set(made)];
  let sum = 0;
  const cumulative = Float64Array.from(words, (_, rank) => {
    sum += 1 / (rank + 3);
    return sum;
  });
  return { words, cumulative };
}

function internetDate(date: Date): string {
  return date.toUTCString().replace('GMT', '+0000');
}

/** As `Mon Jan 02 08:00:00 2023`. */
function mboxDate(date: Date): string {
  const [weekday, day, month, year, time] = date.toUTCString().replace(',', '').split(' ');
  return `${weekday} ${month} ${day} ${time} ${year}`;
}

if (import.meta.main) {
  const [count, prefix] = process.argv.slice(2);
  if (prefix === undefined || !(Number(count) > 0)) throw new Error('node bench/corpus.ts COUNT PREFIX');
  await writeCorpus(Number(count), prefix);
}
