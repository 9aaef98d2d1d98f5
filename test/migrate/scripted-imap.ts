/** An IMAP server as bad as one likes: it knows just what moving in asks, and misbehaves by script. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { defer } from '../helpers/defer.ts';

export interface Scripted {
  readonly content: Buffer;
  /** RFC822.SIZE as it says; the truth when absent. */
  readonly saysSize?: number;
  /** What happens when its content is asked for. */
  readonly mishap?: 'drop' | 'no' | 'nothing' | 'garbage' | 'huge literal' | 'endless line' | 'silence';
}

export class ScriptedImap {
  /** By UID, from 1. */
  messages: Scripted[];
  /** Answers to the next commands of this name, instead of what would be: `NO [LIMIT] later`. */
  readonly refusals = new Map<string, string[]>();
  /** Commands that were given, by name. */
  readonly heard: string[] = [];
  /** Called when a command will never be answered. */
  onSilence = () => {};
  /** Numbers that it leaves out when it lists. */
  unlisted: readonly number[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  static async start(t: TestContext, messages: Scripted[]): Promise<ScriptedImap> {
    const scripted = new ScriptedImap(messages);
    scripted.#server.listen(0, '127.0.0.1');
    await once(scripted.#server, 'listening');
    defer(t, () => {
      for (const socket of scripted.#sockets) socket.destroy();
      scripted.#server.close();
    });
    return scripted;
  }

  private constructor(messages: Scripted[]) {
    this.messages = messages;
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
      socket.write('* OK ready\r\n');
      let text = '';
      socket.setEncoding('latin1').on('data', (chunk: string) => {
        text += chunk;
        for (let end = text.indexOf('\r\n'); end !== -1; end = text.indexOf('\r\n')) {
          const line = text.slice(0, end);
          text = text.slice(end + 2);
          this.#command(socket, line);
        }
      });
    });
  }

  get url(): string {
    return `imap://anna@127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  #command(socket: Socket, line: string): void {
    const [, tag, name = ''] = /^(\S+) ((?:UID )?[A-Z]+)/.exec(line) ?? [];
    if (tag === undefined) return; // the rest of a command
    this.heard.push(name);
    const say = (text: string) => socket.write(`${text}\r\n`);
    const refusal = this.refusals.get(name)?.shift();
    if (refusal !== undefined) say(`${tag} ${refusal}`);
    else if (name === 'CAPABILITY') say(`* CAPABILITY IMAP4rev1\r\n${tag} OK done`);
    else if (name === 'LIST' && !line.endsWith('""')) say(`* LIST () "/" INBOX\r\n${tag} OK done`);
    else if (name === 'EXAMINE') {
      say(`* ${this.messages.length} EXISTS\r\n* FLAGS (\\Seen)\r\n* OK [UIDVALIDITY 7] .\r\n* OK [UIDNEXT 100] .`);
      say(`${tag} OK [READ-ONLY] done`);
    } else if (name === 'FETCH' || name === 'UID FETCH') {
      if (this.#fetch(socket, line)) say(`${tag} OK done`);
    } else if (name === 'LOGOUT') socket.end(`* BYE\r\n${tag} OK done\r\n`);
    else say(`${tag} OK done`);
    if (this.#said !== undefined) say(`${tag} ${this.#said}`);
    this.#said = undefined;
  }

  #said: string | undefined;

  /** @returns false when the command is not to be answered with OK */
  #fetch(socket: Socket, line: string): boolean {
    const wanted = /FETCH (\S+)/.exec(line)![1]!;
    const numbers =
      wanted === '1:*'
        ? this.messages.map((_, index) => index + 1).filter((n) => !this.unlisted.includes(n))
        : wanted.split(',').flatMap(range);
    for (const number of numbers) {
      const message = this.messages[number - 1]!;
      const head = `* ${number} FETCH (UID ${number} FLAGS () INTERNALDATE "01-Jan-2024 12:00:00 +0000" RFC822.SIZE ${message.saysSize ?? message.content.length}`;
      const [, from, most] = /BODY\.PEEK\[\]<(\d+)\.(\d+)>/.exec(line) ?? [];
      if (from === undefined) {
        socket.write(`${head})\r\n`);
        continue;
      }
      if (message.mishap === 'drop') {
        socket.write(`${head} BODY[]<${from}> {100}\r\nFrom: so`);
        socket.destroy();
        return false;
      }
      if (message.mishap === 'no') {
        this.#said = 'NO [SERVERBUG] this message can not be read';
        return false;
      }
      if (message.mishap === 'silence') {
        this.onSilence();
        return false;
      }
      if (message.mishap === 'nothing') continue;
      if (message.mishap === 'garbage') {
        socket.write('* 3 FETCH ((((UID "\x00\x01 {banana}\r\n)))\r\n');
        continue;
      }
      if (message.mishap === 'huge literal') {
        socket.write(`${head} BODY[]<${from}> {3000000000}\r\n${'x'.repeat(100_000)}`);
        return false;
      }
      if (message.mishap === 'endless line') {
        socket.write(`${head} ${'('.repeat(4_000_000)}`);
        return false;
      }
      const piece = message.content.subarray(Number(from), Number(from) + Number(most));
      socket.write(`${head} BODY[]<${from}> {${piece.length}}\r\n`);
      socket.write(piece);
      socket.write(')\r\n');
    }
    return true;
  }
}

function range(part: string): number[] {
  const [from = 0, to = from] = part.split(':').map(Number);
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
