/** What a case stands on: a server, somebody's maildrop on it, and a way to put messages there. */
import { type Address, Connection, Failed, isOk } from './connection.ts';
import { type Delivery, deliver } from './deliver.ts';

export interface Target {
  /** At least one of them. */
  readonly plain: Address | undefined;
  readonly implicit: Address | undefined;
  readonly user: string;
  readonly password: string;
  readonly delivery: Delivery;
}

/** How long messages may take from the delivery's acknowledgement into the maildrop. */
const ARRIVAL = 20_000;

/** Not all that was delivered is in the maildrop. */
export class NotThere extends Error {
  override readonly name = 'NotThere';

  constructor(delivered: number, there: number) {
    super(`${delivered} messages were delivered, ${there} are there`);
  }
}

export class Ground {
  readonly target: Target;
  readonly #open: Connection[] = [];

  constructor(target: Target) {
    this.target = target;
  }

  /** What was said on all connections of the case. */
  get transcript(): string {
    return this.#open.map((connection) => connection.transcript).join('\n---\n');
  }

  /** A connection whose greeting was heard, before sign-in; where plain sign-in is not allowed, on TLS. */
  async connect(): Promise<Connection> {
    const connection = await this.connectTo(this.target.plain ?? this.target.implicit!);
    const greeting = await connection.line();
    if (!isOk(greeting)) throw new Failed(`the greeting was: ${greeting}`);
    return connection;
  }

  async connectTo(address: Address): Promise<Connection> {
    const connection = await Connection.open(address);
    this.#open.push(connection);
    return connection;
  }

  /** A connection on which passwords may be said: TLS is turned on where the server wants it. */
  async secured(): Promise<Connection> {
    const connection = await this.connect();
    if (this.target.plain === undefined || (await capabilities(connection)).has('USER')) return connection;
    if (!isOk(await connection.ask('STLS'))) throw new Failed('neither USER nor STLS is offered');
    await connection.startTls();
    return connection;
  }

  /** Signed in by USER and PASS. */
  async signIn(): Promise<Connection> {
    const connection = await this.secured();
    const user = await connection.ask(`USER ${this.target.user}`);
    if (!isOk(user)) throw new Failed(`USER was answered: ${user}`);
    const pass = await connection.ask(`PASS ${this.target.password}`);
    if (!isOk(pass)) throw new Failed(`PASS was answered: ${pass}`);
    return connection;
  }

  /** Empties the maildrop, puts these messages into it, in this order, and signs in. */
  async maildrop(...messages: readonly (string | Buffer)[]): Promise<Connection> {
    await this.fill(...messages);
    return this.signIn();
  }

  async fill(...messages: readonly (string | Buffer)[]): Promise<void> {
    await this.empty();
    for (const message of messages) await deliver(this.target.delivery, message);
    for (const giveUpAt = Date.now() + ARRIVAL; ; ) {
      const connection = await this.signIn();
      const [, count] = (await connection.ask('STAT')).split(' ');
      await quit(connection);
      if (Number(count) === messages.length) return;
      if (Date.now() > giveUpAt) throw new NotThere(messages.length, Number(count));
    }
  }

  async empty(): Promise<void> {
    const connection = await this.signIn();
    for (const line of await connection.list('LIST')) {
      const answer = await connection.ask(`DELE ${line.split(' ')[0]}`);
      if (!isOk(answer)) throw new Error(`the maildrop can't be emptied: ${answer}`);
    }
    await quit(connection);
  }

  /** Ends what the case left open, so that the next one finds the maildrop free. */
  async leave(): Promise<void> {
    for (const connection of this.#open) await connection.break();
  }
}

/** QUIT, and the server's closing. @returns the answer */
export async function quit(connection: Connection): Promise<string> {
  const answer = await connection.ask('QUIT');
  await connection.end();
  return answer;
}

/** What CAPA announces: names in upper case, with their arguments. Empty where CAPA is not known. */
export async function capabilities(connection: Connection): Promise<Map<string, readonly string[]>> {
  const first = await connection.ask('CAPA');
  if (!isOk(first)) return new Map();
  return new Map(
    (await connection.lines()).map((line) => {
      const [name = '', ...args] = line.split(' ');
      return [name.toUpperCase(), args] as const;
    }),
  );
}
