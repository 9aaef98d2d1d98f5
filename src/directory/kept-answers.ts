/**
 * What the directory is asked at every sign-in and every recipient: answers are kept till the next change.
 *
 * Invariants
 * - From when a change is durable no answer is older than it: all that is kept is forgotten, and what was being read meanwhile is not kept.
 * - What is kept is bounded. It is read again in a fraction of a millisecond, so forgetting all of it at each change is cheap; and checked
 *   passwords outlive it (auth/verified.ts).
 */
import { Lru } from '../lru.ts';
import type { Engine, Reader } from '../store/engine/engine.ts';

/** Answers of one kind; up to about 1 KB each. */
const CAPACITY = 20_000;

export class KeptAnswers {
  readonly #engine: Pick<Engine, 'read'>;
  readonly #kinds: { clear(): void }[] = [];
  #generation = 0;

  constructor(engine: Pick<Engine, 'read'>) {
    this.#engine = engine;
  }

  /** Rises with each change. */
  get generation(): number {
    return this.#generation;
  }

  /** Answers at once what was asked before. @param weigh  as how many an answer counts; 1 if absent */
  answering<Key, Answer>(
    find: (tx: Reader, key: Key) => Promise<Answer>,
    weigh?: (answer: Answer) => number,
  ): (key: Key) => Answer | Promise<Answer> {
    const kept = new Lru<Key, Answer>(CAPACITY, weigh);
    this.#kinds.push(kept);
    const read = async (key: Key): Promise<Answer> => {
      const generation = this.#generation;
      const found = await this.#engine.read((tx) => find(tx, key));
      if (generation === this.#generation) kept.set(key, found);
      return found;
    };
    return (key) => {
      const known = kept.get(key);
      return known === undefined ? read(key) : known;
    };
  }

  /** After a change: what is kept may be out of date. */
  forget(): void {
    this.#generation += 1;
    for (const kept of this.#kinds) kept.clear();
  }
}
