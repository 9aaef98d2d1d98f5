/** An IMAP client that checks the form of every response. */
import { close, greeted, Waiters } from './connection.mjs';
import { check, fault } from './faults.mjs';
import { options } from './options.mjs';

const STAR = 42;
const PLUS = 43;
const CLOSING_BRACE = 125;

export class Imap {
  waiters = new Waiters();
  socket = undefined;
  bytesIn = 0;
  capabilities = '';
  /** (text, literals) => void, for each untagged response */
  onUntagged = null;
  /** (text so far, size) => (chunk, from, to) => void, for a literal that should not be collected; else null */
  onLiteral = null;
  #partial = []; // pieces of an unfinished line
  #text = ''; // a response so far, without its literals
  #literals = [];
  #literalLeft = 0;
  #sink = null;
  #tags = 0;
  #held = null;
  #bye = false;

  static async open() {
    const client = new Imap();
    const greeting = await greeted(client, options.imapPort, { greeting: true });
    if (!/^\* OK/i.test(greeting)) throw new Error(`greeting: ${greeting}`);
    client.#learn(greeting);
    return client;
  }

  data(chunk) {
    this.bytesIn += chunk.length;
    if (this.#held === null) this.#read(chunk);
    else this.#hold(chunk);
  }

  #read(chunk) {
    let at = 0;
    while (at < chunk.length) {
      if (this.#literalLeft > 0) {
        const length = Math.min(this.#literalLeft, chunk.length - at);
        this.#sink(chunk, at, at + length);
        this.#literalLeft -= length;
        at += length;
        continue;
      }
      const end = chunk.indexOf(10, at);
      if (end < 0) {
        this.#partial.push(chunk.subarray(at));
        return;
      }
      this.#line(this.#lineText(chunk, at, end));
      at = end + 1;
    }
  }

  #lineText(chunk, from, to) {
    let line = chunk.latin1Slice(from, to);
    if (this.#partial.length > 0) {
      this.#partial.push(chunk.subarray(from, to));
      line = Buffer.concat(this.#partial).latin1Slice();
      this.#partial = [];
    }
    if (line.endsWith('\r')) return line.slice(0, -1);
    fault(`line without CR: ${line.slice(0, 100)}`);
    return line;
  }

  #line(line) {
    const literal = line.charCodeAt(line.length - 1) === CLOSING_BRACE ? /\{(\d+)\}$/.exec(line) : null;
    this.#text = this.#text === '' ? line : this.#text + line;
    if (literal !== null) {
      const size = Number(literal[1]);
      this.#literalLeft = size;
      this.#sink = this.onLiteral?.(this.#text, size) ?? this.#collect(size);
      return;
    }
    const text = this.#text;
    const literals = this.#literals;
    this.#text = '';
    if (literals.length > 0) this.#literals = [];
    this.#response(text, literals);
  }

  #collect(size) {
    const literal = Buffer.allocUnsafe(size);
    let at = 0;
    this.#literals.push(literal);
    return (chunk, from, to) => {
      chunk.copy(literal, at, from, to);
      at += to - from;
    };
  }

  #response(text, literals) {
    const { queue } = this.waiters;
    const kind = text.charCodeAt(0);
    if (kind === STAR) {
      if (queue[0]?.greeting) {
        queue.shift().resolve(text);
        return;
      }
      if (/^\* BYE/i.test(text)) this.#bye = true;
      this.onUntagged?.(text, literals);
    } else if (kind === PLUS) {
      const waiter = queue.find(({ proceed }) => proceed);
      if (waiter === undefined) {
        fault(`unexpected continuation: ${text}`);
        return;
      }
      const { proceed } = waiter;
      waiter.proceed = undefined;
      proceed();
    } else {
      const tag = text.slice(0, text.indexOf(' '));
      if (queue[0]?.tag !== tag) {
        fault(`unexpected line: ${text.slice(0, 120)}`);
        return;
      }
      const status = /^\S+ (OK|NO|BAD)\b/i.exec(text)?.[1].toUpperCase() ?? '?';
      queue.shift().resolve({ status, text });
    }
  }

  /** Sends a command; resolves with { status, text }. `proceed` is called when the server asks for more. */
  command(line, proceed) {
    const tag = `a${++this.#tags}`;
    const answer = this.waiters.add({ tag, proceed });
    if (this.waiters.ended === undefined) this.socket.write(`${tag} ${line}\r\n`, 'latin1');
    return answer;
  }

  /** As command; any answer but OK is an exception. */
  async ok(line, proceed) {
    const answer = await this.command(line, proceed);
    if (answer.status !== 'OK') throw new Error(`${line.slice(0, 60)} -> ${answer.text.slice(0, 200)}`);
    return answer;
  }

  /** As ok; gives the untagged responses. */
  async untagged(line) {
    const lines = [];
    const before = this.onUntagged;
    this.onUntagged = (text) => lines.push(text);
    try {
      await this.ok(line);
      return lines;
    } finally {
      this.onUntagged = before;
    }
  }

  /**
   * As ok, for an answer that is measured: it is only collected at first, and read when it is complete, so that the
   * work of checking is not measured. `complete` is called in between.
   */
  async measured(line, complete) {
    const arrived = Promise.withResolvers();
    this.#held = { chunks: [], end: Buffer.from(`a${this.#tags + 1} `), complete: arrived.resolve };
    const answer = this.ok(line);
    answer.catch(arrived.reject);
    const chunks = await arrived.promise;
    complete();
    for (const chunk of chunks) this.#read(chunk);
    await answer;
  }

  #hold(chunk) {
    const { chunks, end, complete } = this.#held;
    chunks.push(chunk);
    // The tagged line comes last. A very short chunk may hold only the end of it.
    const tail = chunk.length > 512 || chunks.length === 1 ? chunk : Buffer.concat(chunks.slice(-8));
    if (tail[tail.length - 1] !== 10) return;
    const lineStart = tail.lastIndexOf(10, tail.length - 2) + 1;
    if (tail.compare(end, 0, end.length, lineStart, Math.min(tail.length, lineStart + end.length)) !== 0) return;
    this.#held = null;
    complete(chunks);
  }

  async login(user) {
    const answer = await this.ok(`LOGIN ${quote(user)} ${quote(options.password)}`);
    this.#learn(answer.text);
  }

  #learn(text) {
    const listed = /\[CAPABILITY ([^\]]*)\]/i.exec(text);
    if (listed !== null) this.capabilities = ` ${listed[1].toUpperCase()} `;
  }

  /** Selects a mailbox; gives how many messages it holds. */
  async select(mailbox) {
    return number(await this.untagged(`SELECT ${quote(mailbox)}`), /^\* (\d+) EXISTS/i);
  }

  /** How many messages a mailbox holds. */
  async messages(mailbox) {
    return number(await this.untagged(`STATUS ${quote(mailbox)} (MESSAGES)`), /^\* STATUS .*\(.*MESSAGES (\d+)/i);
  }

  async append(mailbox, message) {
    const send = () => {
      this.socket.write(message);
      this.socket.write('\r\n');
      this.socket.uncork();
    };
    const size = message.length;
    if (!this.capabilities.includes(' LITERAL+ ')) {
      return this.ok(`APPEND ${quote(mailbox)} {${size}}`, () => {
        this.socket.cork();
        send();
      });
    }
    this.socket.cork();
    const answer = this.ok(`APPEND ${quote(mailbox)} {${size}+}`);
    send();
    return answer;
  }

  async logout() {
    await this.ok('LOGOUT');
    check(this.#bye, 'LOGOUT without an untagged BYE');
    this.close();
  }

  close() {
    close(this);
  }
}

export function quote(text) {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

function number(lines, pattern) {
  const found = lines.map((line) => pattern.exec(line)).find((match) => match !== null);
  if (found === undefined) throw new Error(`no answer like ${pattern}`);
  return Number(found[1]);
}
