/**
 * Public keys of signers, made ready once. Reading a key and writing it down in the form in which mailauth passes it on takes longer than to verify a
 * signature with it, and much mail has the same few signers.
 *
 * Invariants
 * - A key is known by its whole record, never by its name: what the DNS says now decides. Refusals are not remembered.
 * - Verifying with a key takes a fraction of a millisecond. Whoever publishes one chooses how long; those made to be slow, fifty times as slow and
 *   more, count as none.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import type { KeyCache, KeyOptions, SigningKey } from 'mailauth/lib/tools.js';
import { libraries } from '../../libraries.ts';
import { Lru } from '../../lru.ts';
import type { Lookups } from './lookups.ts';

const CAPACITY = 1_000;
/** Characters of a record that is remembered; those of honest signers have a tenth. */
const LONGEST_RECORD = 4_096;
/** RFC 8301 3.2: longer keys need not be verified. */
const MOST_BITS = 4_096;
/** Everybody's is 65537; a few are 3 or 17. */
const MOST_EXPONENT = 2n ** 32n;

type ReadyKey = SigningKey<KeyObject>;

export class Keys {
  readonly #ready = new Lru<string, ReadyKey>(CAPACITY);

  /** For one message: a record is asked for once in it. */
  for({ resolve }: Lookups): KeyCache {
    const asked = new Map<string, Promise<ReadyKey>>();
    return {
      resolver: resolve,
      get: (type, name, leastBits, options) => {
        const question = `${name} ${options.hashAlgo}`;
        let answer = asked.get(question);
        if (answer === undefined) {
          answer = this.#get(type, name, leastBits, options, resolve);
          answer.catch(() => undefined); // whoever awaits it hears of it
          asked.set(question, answer);
        }
        return answer;
      },
    };
  }

  async #get(type: string, name: string, leastBits: number, options: KeyOptions, resolve: Lookups['resolve']) {
    const record = await resolve(name, 'TXT');
    const known = `${leastBits} ${options.hashAlgo} ${options.strict} ${JSON.stringify(record)}`;
    let key = this.#ready.get(known);
    if (key === undefined) {
      const { getPublicKey } = libraries.mailTools;
      const found = await getPublicKey(type, name, leastBits, async () => record, options);
      key = { ...found, publicKey: createPublicKey(found.publicKey) };
      if (isSlow(key.publicKey)) throw Object.assign(new Error('the key is too large'), { code: 'EINVALIDVAL' });
      if (known.length <= LONGEST_RECORD) this.#ready.set(known, key);
    }
    return key;
  }
}

function isSlow({ asymmetricKeyDetails }: KeyObject): boolean {
  const { modulusLength = 0, publicExponent = 0n } = asymmetricKeyDetails ?? {};
  return modulusLength > MOST_BITS || publicExponent > MOST_EXPONENT;
}
