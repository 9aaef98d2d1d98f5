/**
 * What a client does that meets a mailbox for the first time: it signs in, selects, and fetches something of every
 * message. Only the FETCH is measured. Short answers are checked when they are complete, outside of the time measured,
 * so that the figure is the server's; bodies are compared with the corpus as they come.
 */
import { check } from '../faults.mjs';
import { Imap } from '../imap.mjs';
import { corpus } from '../messages.mjs';
import { Meter } from '../meter.mjs';
import { options, usageError } from '../options.mjs';

/** The most that a server may have added on top of a message. */
const MOST_ADDED = 2000;

const COMMANDS = {
  flags: 'UID FETCH 1:* (FLAGS)',
  meta: 'UID FETCH 1:* (UID ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE)',
  bodies: 'UID FETCH 1:* (UID BODY.PEEK[])',
};

export async function fetchMailbox() {
  const command = COMMANDS[options.what] ?? usageError(`--what ${options.what}?`);
  corpus();
  const meter = new Meter();
  let messages = 0;
  let bytes = 0;
  do {
    const round = await fetchOnce(command, meter);
    messages += round.messages;
    bytes += round.bytes;
  } while (meter.seconds < options.secs);
  return { ...meter.result(messages), mbPerSec: bytes / 1e6 / meter.seconds };
}

async function fetchOnce(command, meter) {
  const client = await Imap.open();
  await client.login(options.user);
  const count = await client.select(options.mailbox);
  const wanted = options.count || corpus().length;
  if (count !== wanted) throw new Error(`fetch: ${count} messages, not ${wanted}`);
  const seen = new Seen(count);
  client.onUntagged = (text, literals) => seen.response(text, literals);
  const before = client.bytesIn;
  meter.start();
  if (options.what === 'bodies') {
    client.onLiteral = (text, size) => seen.body(text, size);
    await client.ok(command);
    meter.stop();
  } else await client.measured(command, () => meter.stop());
  const bytes = client.bytesIn - before;
  client.onUntagged = null;
  await client.logout();
  seen.check();
  return { messages: count, bytes };
}

/** Which messages were answered, each once, in order, and rightly. */
class Seen {
  #messages;
  #count = 0;
  #wrong = 0;
  #lastUid = 0;

  constructor(count) {
    this.#messages = new Uint8Array(count + 1);
  }

  response(text, literals) {
    const match = /^\* (\d+) FETCH /.exec(text);
    if (match === null) return;
    const sequence = Number(match[1]);
    if (this.#messages[sequence] === 0) this.#count++;
    else this.#wrong++; // twice, or out of range
    this.#messages[sequence] = 1;
    const uid = Number(/[( ]UID (\d+)/.exec(text)?.[1] ?? 0);
    if (uid <= this.#lastUid) this.#wrong++;
    this.#lastUid = uid;
    if (options.what === 'flags' && !/FLAGS \([^)]*\)/.test(text)) this.#wrong++;
    if (options.what === 'meta' && !metadataIsRight(corpus().facts(sequence - 1), text, literals)) this.#wrong++;
  }

  /** Compares a body while it comes; the server may have added lines on top. */
  body(text, size) {
    const match = /^\* (\d+) FETCH /.exec(text);
    const wanted = corpus().message(Number(match?.[1] ?? 1) - 1);
    let at = wanted.length - size;
    if (match === null || at > 0 || at < -MOST_ADDED) this.#wrong++;
    return (chunk, from, to) => {
      const added = Math.min(Math.max(-at, 0), to - from);
      at += added;
      const length = to - from - added;
      if (length === 0) return;
      if (at < 0 || at + length > wanted.length || wanted.compare(chunk, from + added, to, at, at + length) !== 0) {
        this.#wrong++;
      }
      at += length;
    };
  }

  check() {
    const messages = this.#messages.length - 1;
    check(this.#count === messages, `fetch: ${this.#count} of ${messages} messages answered`);
    check(this.#wrong === 0, `fetch: ${this.#wrong} wrong answers`);
  }
}

function metadataIsRight({ size, id }, text, literals) {
  const told = Number(/RFC822\.SIZE (\d+)/.exec(text)?.[1] ?? -1);
  return (
    told >= size &&
    told <= size + MOST_ADDED &&
    /INTERNALDATE "/.test(text) &&
    /ENVELOPE \(/.test(text) &&
    /BODYSTRUCTURE \(/.test(text) &&
    (text.includes(id) || literals.some((literal) => literal.includes(id)))
  );
}
