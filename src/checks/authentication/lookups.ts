/**
 * Asks the DNS for one message, in the manner of Node's resolver, which is what mailauth knows.
 *
 * Invariants
 * - Bounded in questions and in time. What is asked beyond that gets the answer that nobody could say, so that what depends on it is a
 *   temporary error (RFC 8601 2.7) and never a wrong answer.
 * - What was asked {@link Lookups.ahead} and answered in time is known whatever else took all the time, or all the questions: whoever sends a message
 *   has us ask servers of his own, which need not answer.
 */
import type { DnsAnswer, RecordData, RecordType } from '../../dns/answer.ts';
import type { Resolver } from '../../dns/resolver.ts';
import { Refused } from '../../errors.ts';
import type { Milliseconds } from '../../store/ids.ts';

export type Names = Pick<Resolver, 'query'>;

/** SPF may ask some 20 to 120 (RFC 7208 4.6.4), DMARC a dozen, each signature one. */
const MOST_QUESTIONS = 150;

const TYPES: ReadonlySet<string> = new Set<RecordType>(['A', 'AAAA', 'CNAME', 'MX', 'PTR', 'TXT']);

export class Lookups {
  readonly #names: Names;
  readonly #late = Promise.withResolvers<never>();
  readonly #timer: NodeJS.Timeout;
  /** The time is over. */
  late = false;
  readonly #answers = new Map<string, Promise<DnsAnswer>>();

  /** Call {@link end} when nothing more will be asked. */
  constructor(names: Names, within: Milliseconds) {
    this.#names = names;
    this.#timer = setTimeout(() => {
      this.late = true;
      this.#late.reject(failure('ETIMEOUT'));
    }, within);
    this.#late.promise.catch(() => undefined); // whoever waits hears of it
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  /** Asks for what will be needed, so that it is answered by then. */
  ahead(name: string, type: RecordType): void {
    this.#ask(name, type).catch(() => undefined); // whoever needs it hears of it
  }

  /** In the form of Node's `dns.promises.resolve`: nothing there is the error ENOTFOUND or ENODATA, no answer is another. */
  readonly resolve = async (name: string, type: string): Promise<string[]> => {
    if (!TYPES.has(type)) throw failure('ENODATA');
    const { records, missing } = await this.#ask(name, type as RecordType);
    if (records.length === 0) throw failure(missing ? 'ENOTFOUND' : 'ENODATA');
    return records.map((record) => asNode(type, record)) as unknown as string[]; // its types leave MX records out
  };

  /** @throws Error with the code ETIMEOUT or ESERVFAIL when nobody could say */
  async records<Type extends RecordType>(name: string, type: Type): Promise<readonly RecordData[Type][]> {
    const { records } = await this.#ask(name, type);
    return records;
  }

  async #ask<Type extends RecordType>(name: string, type: Type): Promise<DnsAnswer<Type>> {
    const question = `${type} ${name}`;
    let answer = this.#answers.get(question);
    if (answer === undefined) {
      if (this.#answers.size >= MOST_QUESTIONS) throw failure('ESERVFAIL');
      answer = this.#names.query(name, type);
      this.#answers.set(question, answer);
    }
    try {
      return (await Promise.race([answer, this.#late.promise])) as DnsAnswer<Type>;
    } catch (error) {
      if (error instanceof Refused) throw failure('ESERVFAIL');
      throw error;
    }
  }
}

function asNode(type: string, record: RecordData[RecordType]): unknown {
  if (type === 'TXT') return [record];
  if (type !== 'MX') return record;
  const { preference, exchange } = record as RecordData['MX'];
  return { priority: preference, exchange };
}

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}
