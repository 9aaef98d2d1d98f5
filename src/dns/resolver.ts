/**
 * Asks the DNS servers of the configuration, or those of the machine, and remembers what they say for as long as they allow.
 *
 * Invariants
 * - “There is none” is told apart from “nobody could say”: the one is an answer, the other throws `dns.unavailable`, and mail waits for it.
 * - An answer counts as authentic only where the configuration says that its servers check signatures, and can be believed on the way here.
 * - Bounded: the cache, the questions that run, those that wait, the time that one takes.
 */
import { getServers } from 'node:dns';
import { domainToASCII } from 'node:url';
import { Refused } from '../errors.ts';
import { Gate } from '../gate.ts';
import { Lru } from '../lru.ts';
import type { Milliseconds } from '../store/ids.ts';
import { type DnsAnswer, dataOf, nameOf, type RecordData, type RecordType } from './answer.ts';
import { type DnsReply, type DnsServer, exchange } from './exchange.ts';

/** `failed`: a server answered, that it could not say. `unanswered`: none answered at all. */
export const ASKED = ['answered', 'failed', 'unanswered'] as const;
export type Asked = (typeof ASKED)[number];

export interface ResolverOptions {
  /** In the order in which they are asked. */
  readonly servers: readonly DnsServer[];
  /** They check DNSSEC, and nobody between them and us can change what they say. */
  readonly validating: boolean;
  /** For one question to one server. */
  readonly timeout?: Milliseconds;
  /** Hears what came of each question that is asked. */
  readonly onAsked?: (result: Asked, why: string) => void;
  /** Monotonic. For tests. */
  readonly clock?: () => Milliseconds;
}

const TIMEOUT: Milliseconds = 2_500;
/** How often all servers are asked. */
const ROUNDS = 2;
const AT_ONCE = 200;
const WAITING = 5_000;
/** In bytes: whoever sends mail has us ask for records of his own, each as long as he likes, up to 64 KB. */
const CACHE_BYTES = 16 << 20;
/** What an answer takes besides its texts: its name, and the objects around it. */
const ANSWER_BYTES = 300;
const RECORD_BYTES = 100;
/** Whatever a record says, it is kept for so long: a burst of mail asks the same. */
const SHORTEST: Milliseconds = 5_000;
const LONGEST: Milliseconds = 86_400_000;
/** RFC 2308 5: that there is none is kept for some hours at most. */
const LONGEST_NONE: Milliseconds = 3 * 3_600_000;
const NONE_WITHOUT_SOA: Milliseconds = 60_000;
/** RFC 2181 10.1: aliases are not to be chained; some are. */
const MOST_ALIASES = 16;

interface Remembered {
  readonly answer: DnsAnswer;
  readonly until: Milliseconds;
}

export class Resolver {
  readonly #options: ResolverOptions;
  readonly #clock: () => Milliseconds;
  readonly #gate = new Gate(AT_ONCE, WAITING);
  readonly #cache = new Lru<string, Remembered>(CACHE_BYTES, ({ answer }) => bytesOf(answer));
  /** Questions that run: the same one is asked once at a time. */
  readonly #running = new Map<string, Promise<DnsAnswer>>();

  constructor(options: ResolverOptions) {
    this.#options = options;
    this.#clock = options.clock ?? (() => performance.now());
  }

  /** More is asked than can be at a time: that nobody could say may be our fault, not that of those who were asked. */
  get busy(): boolean {
    return this.#gate.busy;
  }

  /**
   * What there is of a type under a name.
   * @param name  in any form; one that can't be a domain's is missing
   * @param fresh  asks anew even when it is known: for somebody who has just changed it, and waits
   * @throws Refused `dns.unavailable` when no server could say
   */
  async query<Type extends RecordType>(name: string, type: Type, { fresh = false } = {}): Promise<DnsAnswer<Type>> {
    const ascii = nameOf(inAscii(name.replace(/\.$/, '')));
    if (!isName(ascii)) return { records: [], missing: true, authentic: false, ttl: LONGEST_NONE };
    const key = `${type} ${ascii}`;
    const known = this.#cache.get(key);
    if (!fresh && known !== undefined && known.until > this.#clock()) return known.answer as DnsAnswer<Type>;
    let running = this.#running.get(key);
    if (running === undefined) {
      running = this.#ask(ascii, type).finally(() => this.#running.delete(key));
      this.#running.set(key, running);
      running.then(
        (answer) => this.#cache.set(key, { answer, until: this.#clock() + answer.ttl }),
        () => undefined, // whoever asked hears of it
      );
    }
    return (await running) as DnsAnswer<Type>;
  }

  async #ask<Type extends RecordType>(name: string, type: Type): Promise<DnsAnswer<Type>> {
    if (this.#gate.full) throw unavailable(name, 'too many questions wait already');
    return this.#gate.run(async () => {
      const { servers, validating, timeout = TIMEOUT, onAsked } = this.#options;
      let why = 'no DNS server is configured';
      let asked: Asked = 'unanswered';
      for (let round = 0; round < ROUNDS; round++) {
        for (const server of servers) {
          try {
            const packet = await exchange(server, { name, type }, timeout);
            const { rcode } = packet;
            if (rcode === 'NOERROR' || rcode === 'NXDOMAIN') {
              onAsked?.('answered', '');
              return answerIn(packet, name, type, validating);
            }
            asked = 'failed';
            why = `${server.host} says ${rcode}`;
          } catch (error) {
            why = error instanceof Error ? error.message : String(error);
          }
        }
      }
      onAsked?.(asked, why);
      throw unavailable(name, why);
    });
  }
}

/** The servers that the machine asks. */
export function machinesServers(): DnsServer[] {
  return getServers().map((text) => {
    const match = /^\[(.+)\]:(\d+)$|^([^:]+):(\d+)$/.exec(text);
    const host = match?.[1] ?? match?.[3] ?? text;
    return { host, port: Number(match?.[2] ?? match?.[4] ?? 53) };
  });
}

/** What a packet says of the name, through its aliases. */
function answerIn<Type extends RecordType>(
  packet: DnsReply,
  asked: string,
  type: Type,
  validating: boolean,
): DnsAnswer<Type> {
  const answers = packet.answers ?? [];
  let name = asked;
  let ttl = LONGEST;
  for (let steps = 0; steps < MOST_ALIASES && type !== 'CNAME'; steps++) {
    const alias = answers.find((each) => each.type === 'CNAME' && nameOf(each.name) === name);
    if (alias?.type !== 'CNAME') break;
    ttl = Math.min(ttl, seconds(alias.ttl));
    name = nameOf(alias.data);
  }
  const records: RecordData[Type][] = [];
  for (const each of answers) {
    const data = nameOf(each.name) === name ? dataOf(each, type) : undefined;
    if (data === undefined || each.type === 'OPT') continue;
    records.push(data);
    ttl = Math.min(ttl, seconds(each.ttl));
  }
  if (records.length === 0) ttl = Math.min(ttl, noneFor(packet));
  const authentic = validating && packet.flag_ad;
  const missing = records.length === 0 && packet.rcode === 'NXDOMAIN';
  return { records, missing, authentic, ttl: Math.max(SHORTEST, ttl) };
}

/** What an answer takes in memory, about. */
function bytesOf({ records }: DnsAnswer): number {
  return records.reduce((sum, record) => sum + RECORD_BYTES + lengthOf(record), ANSWER_BYTES);
}

/** Of the one part of a record that may be long. */
function lengthOf(record: RecordData[RecordType]): number {
  if (typeof record === 'string') return record.length;
  if ('data' in record) return record.data.length;
  return ('exchange' in record ? record.exchange : record.target).length;
}

/** RFC 2308 5: the SOA record that comes with it says how long there will be none. */
function noneFor({ authorities = [] }: DnsReply): Milliseconds {
  const soa = authorities.find((each) => each.type === 'SOA');
  if (soa?.type !== 'SOA') return NONE_WITHOUT_SOA;
  return Math.min(LONGEST_NONE, seconds(soa.ttl), seconds(soa.data.minimum));
}

function seconds(ttl = 0): Milliseconds {
  return ttl * 1_000;
}

/**
 * Domains may be in Unicode. A name in ASCII is asked for as it stands: one that SPF makes of a sender's address may hold what no host's name does
 * (RFC 7208 7.3), and the DNS takes any byte (RFC 2181 11).
 */
function inAscii(name: string): string {
  return PRINTABLE.test(name) ? name : domainToASCII(name);
}

const PRINTABLE = /^[\x21-\x7e]*$/;

/** RFC 1035 2.3.4 */
function isName(name: string): boolean {
  return name !== '' && name.length <= 253 && name.split('.').every((label) => label !== '' && label.length <= 63);
}

function unavailable(name: string, why: string): Refused {
  return new Refused('dns.unavailable', `Nothing could be found out about ${name} now: ${why}.`);
}
