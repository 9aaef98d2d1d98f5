/** A POP3 client. */
import { close, greeted, Waiters } from './connection.mjs';
import { fault } from './faults.mjs';
import { options } from './options.mjs';

const END = Buffer.from('\r\n.\r\n');

export class Pop3 {
  waiters = new Waiters();
  socket = undefined;
  #buffer = Buffer.allocUnsafe(1 << 10); // grows as needed; most sessions need no more
  #start = 0;
  #end = 0;
  #scanned = 0;

  static async open() {
    const client = new Pop3();
    const greeting = await greeted(client, options.pop3Port, { multiline: false });
    if (!greeting.ok) throw new Error(`greeting: ${greeting.line}`);
    return client;
  }

  data(chunk) {
    this.#makeRoom(chunk.length);
    chunk.copy(this.#buffer, this.#end);
    this.#end += chunk.length;
    while (this.#end > this.#start) {
      const waiter = this.waiters.queue[0];
      if (waiter === undefined) {
        fault('data without a command');
        this.#start = this.#end;
      } else if (!this.#answer(waiter)) return;
    }
  }

  /** Moves what is left to the front, into a larger buffer if it needs one. */
  #makeRoom(length) {
    if (this.#end + length <= this.#buffer.length) return;
    const used = this.#end - this.#start;
    const needed = used + length;
    const to = needed > this.#buffer.length / 2 ? Buffer.allocUnsafe(needed * 2) : this.#buffer;
    this.#buffer.copy(to, 0, this.#start, this.#end);
    this.#buffer = to;
    this.#scanned -= this.#start;
    this.#start = 0;
    this.#end = used;
  }

  /** Gives the waiter its answer. @returns false when it is not complete yet */
  #answer(waiter) {
    const view = this.#buffer.subarray(0, this.#end);
    if (waiter.line === undefined) {
      const end = view.indexOf('\r\n', this.#start, 'latin1');
      if (end < 0) return false;
      waiter.line = view.latin1Slice(this.#start, end);
      waiter.ok = waiter.line.startsWith('+OK');
      waiter.bodyAt = end + 2 - this.#start;
      this.#scanned = end; // so that the end of an empty body is found
    }
    if (!waiter.multiline || !waiter.ok) this.#start += waiter.bodyAt;
    else {
      const end = view.indexOf(END, Math.max(this.#start + waiter.bodyAt - 2, this.#scanned));
      if (end < 0) {
        this.#scanned = Math.max(this.#start, this.#end - END.length + 1);
        return false;
      }
      waiter.use?.(view.subarray(this.#start + waiter.bodyAt, end + 2)); // at once: the buffer is used again
      this.#start = this.#scanned = end + END.length;
    }
    this.waiters.queue.shift().resolve({ ok: waiter.ok, line: waiter.line });
    return true;
  }

  async command(line) {
    return this.#send(line, { multiline: false });
  }

  /** A command with an answer of many lines: `use` gets them, still dot-stuffed, and must not keep them. */
  async multiline(line, use) {
    return this.#send(line, { multiline: true, use });
  }

  async #send(line, extra) {
    const answer = this.waiters.add(extra);
    if (this.waiters.ended === undefined) this.socket.write(`${line}\r\n`, 'latin1');
    const reply = await answer;
    if (!reply.ok) throw new Error(`${line.slice(0, 40)} -> ${reply.line}`);
    return reply.line;
  }

  async login(user) {
    await this.command(`USER ${user}`);
    await this.command(`PASS ${options.password}`);
  }

  async stat() {
    const match = /^\+OK (\d+) (\d+)/.exec(await this.command('STAT'));
    if (match === null) throw new Error('STAT: bad answer');
    return { count: Number(match[1]), bytes: Number(match[2]) };
  }

  async quit() {
    await this.command('QUIT');
    this.close();
  }

  close() {
    close(this);
  }
}
