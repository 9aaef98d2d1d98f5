/** A map whose values weigh at most `capacity` together: the one unused for longest goes first. */
export class Lru<Key, Value> {
  readonly #entries = new Map<Key, Value>(); // in order of use: a Map keeps the order of insertion
  readonly #capacity: number;
  readonly #weigh: (value: Value) => number;
  #weight = 0;

  /** @param weigh  what a value weighs, always the same; 1 if absent, so that the capacity is a number of entries */
  constructor(capacity: number, weigh: (value: Value) => number = () => 1) {
    this.#capacity = capacity;
    this.#weigh = weigh;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The value, which counts as a use. Values are never undefined. */
  get(key: Key): Value | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, value);
    }
    return value;
  }

  set(key: Key, value: Value): void {
    this.delete(key);
    this.#entries.set(key, value);
    this.#weight += this.#weigh(value);
    if (this.#weight <= this.#capacity) return;
    for (const oldest of this.#entries.keys()) {
      this.delete(oldest);
      if (this.#weight <= this.#capacity) return;
    }
  }

  delete(key: Key): void {
    const value = this.#entries.get(key);
    if (value === undefined) return;
    this.#weight -= this.#weigh(value);
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
    this.#weight = 0;
  }
}
