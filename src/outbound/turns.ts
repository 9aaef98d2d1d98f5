/** Whose turn it is among destinations: those that have had a connection for the longest time ago, or never, go first. */
import { Lru } from '../lru.ts';

/** Destinations that are remembered; of the others nobody knows when they were served. */
const REMEMBERED = 5_000;

export class Turns {
  readonly #last = new Lru<string, number>(REMEMBERED);
  #count = 0;

  /** A destination has a connection. */
  had(destination: string): void {
    this.#last.set(destination, ++this.#count);
  }

  /** Of those that are equally far back, the order given stays. */
  inOrder(destinations: readonly string[]): string[] {
    const lasts = new Map(destinations.map((each) => [each, this.#last.get(each) ?? 0]));
    return [...destinations].sort((a, b) => lasts.get(a)! - lasts.get(b)!);
  }
}
