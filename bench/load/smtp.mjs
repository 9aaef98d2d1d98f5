/** An SMTP and LMTP client. */
import { close, greeted, Waiters } from './connection.mjs';
import { fault } from './faults.mjs';
import { options } from './options.mjs';

export class Smtp {
  waiters = new Waiters();
  socket = undefined;
  #rest = '';
  #lines = [];
  #pipelining = false;

  /** @param proto `smtp` or `lmtp` */
  static async open(proto) {
    const client = new Smtp();
    const greeting = await greeted(client, proto === 'lmtp' ? options.lmtpPort : options.smtpPort);
    if (greeting.code !== 220) throw new Error(`greeting: ${greeting.text}`);
    const hello = await client.#command(`${proto === 'lmtp' ? 'LHLO' : 'EHLO'} bench.example.org`, 250);
    client.#pipelining = /^250[- ]PIPELINING/im.test(hello.text);
    const { submitAs: user, password } = options;
    if (user !== '') {
      const plain = Buffer.from(`\0${user}\0${password}`).toString('base64');
      await client.#command(`AUTH PLAIN ${plain}`, 235);
    }
    return client;
  }

  data(chunk) {
    const lines = (this.#rest + chunk.latin1Slice()).split('\r\n');
    this.#rest = lines.pop();
    for (const line of lines) {
      this.#lines.push(line);
      if (line[3] === '-') continue;
      const text = this.#lines.join('\n');
      this.#lines = [];
      const waiter = this.waiters.queue.shift();
      if (waiter === undefined) fault(`unexpected reply: ${line}`);
      else waiter.resolve({ code: Number(line.slice(0, 3)), text });
    }
  }

  async #command(line, wanted) {
    const answer = this.waiters.add();
    this.socket.write(`${line}\r\n`, 'latin1');
    const reply = await answer;
    if (reply.code !== wanted) throw new Error(`${line} -> ${reply.text}`);
    return reply;
  }

  /** One message, dot-stuffed, to one recipient; throws unless it is taken. */
  async send(from, to, data) {
    if (this.#pipelining) {
      const answers = Promise.all([this.waiters.add(), this.waiters.add(), this.waiters.add()]);
      this.socket.write(`MAIL FROM:<${from}>\r\nRCPT TO:<${to}>\r\nDATA\r\n`, 'latin1');
      const replies = await answers;
      if (replies.map(({ code }) => code).join() !== '250,250,354') {
        throw new Error(`MAIL, RCPT, DATA -> ${replies.map(({ text }) => text).join(' / ')}`);
      }
    } else {
      await this.#command(`MAIL FROM:<${from}>`, 250);
      await this.#command(`RCPT TO:<${to}>`, 250);
      await this.#command('DATA', 354);
    }
    const answer = this.waiters.add();
    this.socket.write(data);
    const reply = await answer;
    if (reply.code !== 250) throw new Error(`end of data -> ${reply.text}`);
  }

  async quit() {
    await this.#command('QUIT', 221);
    this.close();
  }

  close() {
    close(this);
  }
}
