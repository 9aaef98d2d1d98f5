/** Messages to send, and the messages of the corpus to compare with. */
import fs from 'node:fs';
import { options } from './options.mjs';

/** The corpus that bench/corpus.ts writes: PREFIX.mbox, with PREFIX.json beside it. */
class Corpus {
  constructor(prefix) {
    this.info = JSON.parse(fs.readFileSync(`${prefix}.json`, 'utf8'));
    this.bytes = fs.readFileSync(`${prefix}.mbox`);
  }

  get length() {
    return this.info.messages.length;
  }

  /** The bytes of the i-th message. */
  message(i) {
    const { offset, size } = this.info.messages[i];
    return this.bytes.subarray(offset, offset + size);
  }

  /** What is known of the i-th message. */
  facts(i) {
    return this.info.messages[i];
  }
}

let loaded;

/** Loaded when first asked for. */
export function corpus() {
  loaded ??= new Corpus(options.corpus);
  return loaded;
}

const run = `${process.pid}.${Date.now().toString(36)}`;
let serial = 0;
let text = Buffer.alloc(0);

/** A distinct message of exactly so many bytes: 7-bit text, with some lines that begin with a dot. */
export function syntheticMessage(size, to) {
  serial++;
  const head = Buffer.from(
    `From: Bench Mark <${options.from}>\r\nTo: ${to}\r\nSubject: benchmark message ${serial}\r\n` +
      `Date: ${new Date().toUTCString().replace('GMT', '+0000')}\r\nMessage-ID: <${serial}.${run}@example.org>\r\n` +
      'MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n',
  );
  if (text.length < size) text = lines(size);
  const message = Buffer.allocUnsafe(Math.max(size, head.length + 4));
  head.copy(message);
  text.copy(message, head.length, 0, message.length - head.length - 2);
  if (message[message.length - 3] === 13) message[message.length - 3] = 120; // no CR CR LF at the end
  message.write('\r\n', message.length - 2, 'latin1');
  return message;
}

function lines(size) {
  const some = [];
  let length = 0;
  for (let i = 0; length < size; i++) {
    const line = Buffer.from(
      `${i % 17 === 5 ? '.' : ''}line ${i} the quick brown fox jumps over the lazy dog, again\r\n`,
    );
    some.push(line);
    length += line.length;
  }
  return Buffer.concat(some);
}

const DOT = Buffer.from('.');
const END = Buffer.from('.\r\n');

/** The message as DATA sends it: dots doubled, with the final dot (RFC 5321 4.5.2). */
export function dotStuffed(message) {
  const parts = [];
  let from = 0;
  for (let at = lineWithDot(message, 0); at >= 0; at = lineWithDot(message, at)) {
    parts.push(message.subarray(from, at), DOT);
    from = at;
  }
  parts.push(message.subarray(from), END);
  return Buffer.concat(parts);
}

/** Where the first line begins, after `from`, that begins with a dot; -1 when there is none. */
function lineWithDot(message, from) {
  const at = message.indexOf('\r\n.', from, 'latin1');
  return at < 0 ? -1 : at + 2;
}

/** What RETR gave, without the doubled dots (RFC 1939 3). */
export function unstuffed(body) {
  let at = body.indexOf('\r\n..', 0, 'latin1');
  if (at < 0 && body[0] !== 46) return body;
  const parts = [];
  let from = body[0] === 46 ? 1 : 0;
  while (at >= 0) {
    parts.push(body.subarray(from, at + 2));
    from = at + 3;
    at = body.indexOf('\r\n..', from, 'latin1');
  }
  parts.push(body.subarray(from));
  return Buffer.concat(parts);
}
