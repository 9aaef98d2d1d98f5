/** Marionette, how Mozilla's programs are driven from outside: JSON arrays over TCP, each after its length and a colon. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Nothing takes this long; what does never comes. */
export const PATIENCE = 120_000;

interface Waiting {
  readonly resolve: (value: { value?: unknown }) => void;
  readonly reject: (error: Error) => void;
}

type Answer = [
  type: 1,
  id: number,
  error: { error: string; message: string; stacktrace: string } | null,
  result: { value?: unknown },
];

export class Marionette {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  #unread = Buffer.alloc(0);
  #lastId = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => this.#end(new Error('the program closed its connection')));
  }

  /** Connects to a program that listens already, and takes hold of its own windows ("chrome"), not of pages in them. */
  static async connect(port: number): Promise<Marionette> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    const marionette = new Marionette(socket);
    await marionette.#send('WebDriver:NewSession', {});
    await marionette.#send('WebDriver:SetTimeouts', { script: PATIENCE });
    await marionette.#send('Marionette:SetContext', { value: 'chrome' });
    return marionette;
  }

  /**
   * Runs the body of an asynchronous function in the window, as code of the program itself.
   * @param values what `args` is in there
   * @returns what it returns, as JSON carries it; an element as a reference
   */
  async run<T = void>(body: string, ...values: readonly unknown[]): Promise<T> {
    const script = `const [args, done] = arguments;
      (async () => {${body}})().then(
        (value) => done({ value }),
        (error) => done({ error: [error, error?.stack].join('\\n') }),
      );`;
    const { value } = await this.#send('WebDriver:ExecuteAsyncScript', { script, args: [values], sandbox: 'system' });
    const { error, value: result } = value as { error?: string; value?: unknown };
    if (error !== undefined) throw new Error(`in the program: ${error}`);
    return result as T;
  }

  /** Clicks as a person would: what is hidden, covered or disabled can't be clicked. @param element body of a function that returns it */
  async click(element: string): Promise<void> {
    await this.#send('WebDriver:ElementClick', { id: await this.#find(element) });
  }

  /** Types into a field, instead of what is there. @param element as for {@link click} */
  async type(element: string, text: string): Promise<void> {
    const id = await this.#find(element);
    await this.#send('WebDriver:ElementClear', { id });
    await this.#send('WebDriver:ElementSendKeys', { id, text });
  }

  /** The window as a PNG. */
  async screenshot(): Promise<Buffer> {
    const { value } = await this.#send('WebDriver:TakeScreenshot', { full: false });
    return Buffer.from(String(value), 'base64');
  }

  close(): void {
    this.#socket.destroy();
  }

  async #find(element: string): Promise<unknown> {
    const found = await this.run<Record<string, unknown> | null>(element);
    if (found === null) throw new Error(`there is no such element: ${element}`);
    return Object.values(found)[0];
  }

  #send(command: string, parameters: object): Promise<{ value?: unknown }> {
    const id = ++this.#lastId;
    const message = JSON.stringify([0, id, command, parameters]);
    const { promise, resolve, reject } = Promise.withResolvers<{ value?: unknown }>();
    const patience = setTimeout(() => this.#end(new Error(`${command} had no answer`)), 2 * PATIENCE);
    this.#waiting.set(id, { resolve, reject });
    this.#socket.write(`${Buffer.byteLength(message)}:${message}`);
    return promise.finally(() => clearTimeout(patience));
  }

  #receive(bytes: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, bytes]);
    for (;;) {
      const colon = this.#unread.indexOf(':');
      if (colon === -1) return;
      const end = colon + 1 + Number(this.#unread.toString('latin1', 0, colon));
      if (this.#unread.length < end) return;
      const answer: unknown = JSON.parse(this.#unread.toString('utf8', colon + 1, end));
      this.#unread = this.#unread.subarray(end);
      if (Array.isArray(answer)) this.#answered(answer as Answer); // else it is the greeting
    }
  }

  #answered([, id, error, result]: Answer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === null) waiting?.resolve(result);
    else waiting?.reject(new Error(`${error.error}: ${error.message}\n${error.stacktrace}`));
  }

  #end(error: Error): void {
    this.#socket.destroy();
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
