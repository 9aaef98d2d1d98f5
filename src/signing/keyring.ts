/**
 * The keys of our domains: they are made here, shown to nobody, begin to sign once the DNS shows their records, and go when they have been replaced.
 *
 * Invariants
 * - A key signs only once its record was seen in the DNS, unless an administrator said otherwise: a signature that nobody can check is worse
 *   than none. Of each algorithm one key of a domain signs.
 * - A private key never leaves the database but for signing, and is deleted there when the key is retired.
 * - The record of a retired key stays for {@link RECORD_STAYS}: mail signed with it may still be on its way, or wait to be checked.
 */
import type { Logger } from 'pino';
import { findDomain } from '../directory/domains.ts';
import type { Resolver } from '../dns/resolver.ts';
import { Refused } from '../errors.ts';
import { Lru } from '../lru.ts';
import type { Engine, Writer } from '../store/engine/engine.ts';
import { type EpochSeconds, type Milliseconds, nowSeconds } from '../store/ids.ts';
import { recordAudit } from '../store/operations/audit.ts';
import {
  ALGORITHMS,
  type DkimKey,
  type KeyAlgorithm,
  type KeyPair,
  NO_RECORD,
  newKeyPair,
  readPrivateKey,
  recordFault,
  recordName,
  type SigningKey,
} from './key.ts';
import { beginSigning, deleteForeignKeys, deleteKey, insertKey, keysOf, signingKeysOf } from './keys-table.ts';

export interface KeyringOptions {
  readonly engine: Pick<Engine, 'read' | 'write'>;
  /** All names of our domains, in canonical form. */
  readonly domains: () => Promise<readonly string[]>;
  readonly resolver: Pick<Resolver, 'query'>;
  readonly log: Logger;
  readonly onInternalError: (error: unknown) => void;
  /** For tests. */
  readonly now?: () => EpochSeconds;
}

/** A key, and what the DNS says of it. */
export interface SeenKey {
  readonly key: DkimKey;
  /** Its record is there and shows it; null: nobody could say. */
  readonly shown: boolean | null;
  /** Why the record does not show the key, or why nobody could say; empty when it does. */
  readonly fault: string;
}

const DAY: EpochSeconds = 86_400;
const RECORD_STAYS: EpochSeconds = 7 * DAY;
/** When the start of the server is over. */
const FIRST_ROUND: Milliseconds = 60_000;
const ROUND_EVERY: Milliseconds = 15 * 60_000;
const DOMAINS_CACHED = 1_000;
const SERVER = 'the server';

export class Keyring {
  readonly #options: KeyringOptions;
  readonly #signing = new Lru<string, readonly SigningKey[]>(DOMAINS_CACHED);
  /** Domains whose first keys are being made. */
  readonly #making = new Map<string, Promise<void>>();
  #generation = 0;
  #missing: readonly string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;
  #closed = false;

  constructor(options: KeyringOptions) {
    this.#options = options;
  }

  /** Rises whenever other keys sign than before. */
  get generation(): number {
    return this.#generation;
  }

  /** Looks after the keys of all domains from time to time, until {@link close}. */
  start(): void {
    this.#timer = setTimeout(() => this.#startRound(), FIRST_ROUND).unref();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#round;
  }

  /** The keys that sign for a domain; none while there are none. */
  async signing(domain: string): Promise<readonly SigningKey[]> {
    const known = this.#signing.get(domain);
    if (known !== undefined) return known;
    const generation = this.#generation;
    const found = await this.#options.engine.read((tx) => signingKeysOf(tx, domain));
    const keys = found.map(({ privateKey, selector, algorithm }) => ({
      domain,
      selector,
      algorithm,
      key: readPrivateKey(privateKey),
    }));
    if (generation === this.#generation) this.#signing.set(domain, keys);
    return keys;
  }

  /** All keys of a domain, the oldest first; what it needs and has not yet is made. @throws Refused `directory.missing` */
  async keys(domain: string): Promise<DkimKey[]> {
    let making = this.#making.get(domain);
    if (making === undefined) {
      making = this.#makeMissing(domain).finally(() => this.#making.delete(domain));
      this.#making.set(domain, making);
    }
    await making;
    return this.#options.engine.read((tx) => keysOf(tx, domain));
  }

  /**
   * Asks the DNS for the records of a domain's keys. What waited and is shown signs from now on; a retired key whose time is over, and whose
   * record has gone, is forgotten.
   * @throws Refused `directory.missing`
   */
  async look(domain: string): Promise<SeenKey[]> {
    const seen: SeenKey[] = [];
    for (const key of await this.keys(domain)) seen.push(await this.#see(key));
    const now = this.#now();
    for (const { key } of seen.filter(({ key, shown }) => key.state === 'waiting' && shown === true)) {
      const begins = await this.#change(async (tx) => {
        const isNew = await beginSigning(tx, key, now);
        if (isNew) await recordKey(tx, 'dkim.sign', key, SERVER, now);
        return isNew;
      });
      if (begins)
        this.#options.log.info({ domain, selector: key.selector }, 'the DNS shows a new key: it signs from now on');
    }
    for (const { key } of seen.filter(({ key, fault }) => mayGo(key, now) && fault === NO_RECORD)) {
      await this.#change((tx) => deleteKey(tx, key));
    }
    const after = new Map((await this.keys(domain)).map((key) => [key.selector, key]));
    return seen.flatMap((one) => {
      const key = after.get(one.key.selector);
      return key === undefined ? [] : [{ ...one, key }];
    });
  }

  /**
   * Makes new keys for a domain, which sign once the DNS shows them.
   * @param force  they sign at once, and so do those that wait already: for a key that somebody else has got hold of
   * @throws Refused `directory.missing`; `directory.exists` while new keys wait
   */
  async rotate(domain: string, { force }: { readonly force: boolean }, actor: string): Promise<DkimKey[]> {
    const waiting = (await this.keys(domain)).filter(({ state }) => state === 'waiting');
    if (waiting.length > 0 && !force) {
      throw new Refused(
        'directory.exists',
        `New keys of ${domain} wait already until the DNS shows them: rainmail dns records ${domain} has their records. With --force they sign at once.`,
      );
    }
    const fresh = ALGORITHMS.filter((algorithm) => !waiting.some((key) => key.algorithm === algorithm));
    const pairs = await newPairs(fresh);
    const now = this.#now();
    await this.#change(async (tx) => {
      const made = await addKeys(tx, domain, pairs, now);
      for (const key of made) await recordKey(tx, 'dkim.rotate', key, actor, now);
      if (!force) return;
      for (const key of [...waiting, ...made]) {
        if (await beginSigning(tx, key, now)) await recordKey(tx, 'dkim.sign', key, actor, now);
      }
    });
    return this.keys(domain);
  }

  #startRound(): void {
    this.#round = this.lookAfterAll()
      .catch((error: unknown) => this.#options.onInternalError(error))
      .finally(() => {
        if (!this.#closed) this.#timer = setTimeout(() => this.#startRound(), ROUND_EVERY).unref();
      });
  }

  /** Names of the records of keys that sign, and which the DNS did not show when it was last looked at. */
  get missingRecords(): readonly string[] {
    return this.#missing;
  }

  /** Makes what domains lack, looks at the records of all keys, and deletes the keys of domains that are gone. */
  async lookAfterAll(): Promise<void> {
    const { engine, domains, log } = this.#options;
    await engine.write(deleteForeignKeys);
    const missing: string[] = [];
    for (const domain of await domains()) {
      if (this.#closed) return;
      try {
        for (const { key, shown, fault } of await this.look(domain)) {
          if (key.state !== 'signing' || shown !== false) continue;
          missing.push(recordName(key));
          if (!this.#missing.includes(recordName(key))) {
            log.warn(
              { record: recordName(key), fault },
              'nobody can check the signatures of a key: its record is wrong',
            );
          }
        }
      } catch (error) {
        if (!(error instanceof Refused)) throw error; // the domain has just gone
      }
    }
    this.#missing = missing;
  }

  async #see(key: DkimKey): Promise<SeenKey> {
    try {
      const { records } = await this.#options.resolver.query(recordName(key), 'TXT', { fresh: true });
      const fault = recordFault(key, records);
      return { key, shown: fault === null, fault: fault ?? '' };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { key, shown: null, fault: error.message };
    }
  }

  async #makeMissing(domain: string): Promise<void> {
    const missing = lacking(await this.#options.engine.read((tx) => keysOf(tx, domain)));
    if (missing.length === 0) return;
    const pairs = await newPairs(missing);
    const now = this.#now();
    await this.#change(async (tx) => {
      const still = lacking(await keysOf(tx, domain));
      const made = await addKeys(
        tx,
        domain,
        new Map([...pairs].filter(([algorithm]) => still.includes(algorithm))),
        now,
      );
      for (const key of made) await recordKey(tx, 'dkim.key', key, SERVER, now);
    });
  }

  async #change<T>(operation: (tx: Writer) => Promise<T>): Promise<T> {
    try {
      return await this.#options.engine.write(operation);
    } finally {
      this.#generation++;
      this.#signing.clear();
    }
  }

  #now(): EpochSeconds {
    return (this.#options.now ?? nowSeconds)();
  }
}

/** True once nobody needs the record of a retired key any more. */
export function mayGo({ state, since }: DkimKey, now: EpochSeconds): boolean {
  return state === 'retired' && since + RECORD_STAYS <= now;
}

/** When that is; null while it is not retired. */
export function goesAt({ state, since }: DkimKey): EpochSeconds | null {
  return state === 'retired' ? since + RECORD_STAYS : null;
}

function lacking(keys: readonly DkimKey[]): KeyAlgorithm[] {
  return ALGORITHMS.filter((one) => !keys.some(({ algorithm, state }) => algorithm === one && state !== 'retired'));
}

async function newPairs(algorithms: readonly KeyAlgorithm[]): Promise<Map<KeyAlgorithm, KeyPair>> {
  const pairs = new Map<KeyAlgorithm, KeyPair>();
  for (const algorithm of algorithms) pairs.set(algorithm, await newKeyPair(algorithm));
  return pairs;
}

/** Adds keys, which wait. @throws Refused `directory.missing` */
async function addKeys(
  tx: Writer,
  domain: string,
  pairs: ReadonlyMap<KeyAlgorithm, KeyPair>,
  now: EpochSeconds,
): Promise<DkimKey[]> {
  if ((await findDomain(tx, domain)) === undefined) {
    throw new Refused(
      'directory.missing',
      `The domain ${domain} is not served here. rainmail domain list shows those that are.`,
    );
  }
  const taken = new Set((await keysOf(tx, domain)).map(({ selector }) => selector));
  const made: DkimKey[] = [];
  for (const [algorithm, pair] of pairs) {
    const selector = freeSelector(algorithm, now, taken);
    const { publicKey } = pair;
    const key: DkimKey = { domain, selector, algorithm, state: 'waiting', created: now, since: now, publicKey };
    await insertKey(tx, key, pair);
    made.push(key);
  }
  return made;
}

/** It tells its algorithm and its day, for whoever looks at the zone. */
function freeSelector(algorithm: KeyAlgorithm, now: EpochSeconds, taken: ReadonlySet<string>): string {
  const name = `${algorithm}-${new Date(now * 1_000).toISOString().slice(0, 10).replaceAll('-', '')}`;
  let selector = name;
  for (let number = 2; taken.has(selector); number++) selector = `${name}-${number}`;
  return selector;
}

function recordKey(tx: Writer, action: string, key: DkimKey, actor: string, now: EpochSeconds): Promise<void> {
  const { domain, selector, algorithm } = key;
  return recordAudit(tx, { actor, action, subject: domain, detail: { selector, algorithm } }, now);
}
