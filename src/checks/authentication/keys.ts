/**
 * Public keys of signers, made ready once. Reading a key and writing it down in the form in which mailauth passes it on takes longer than to verify a
 * signature with it, and much mail has the same few signers.
 *
 * Invariant: a key is known by its whole record, never by its name: what the DNS says now decides. Refusals are not remembered.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import type { KeyCache, KeyOptions, SigningKey } from 'mailauth/lib/tools.js';
import { libraries } from '../../libraries.ts';
import { Lru } from '../../lru.ts';
import type { Lookups } from './lookups.ts';

const CAPACITY = 1_000;

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
      this.#ready.set(known, key);
    }
    return key;
  }
}
