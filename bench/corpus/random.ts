/** Random numbers that are the same on every machine: the key stream of AES in counter mode. */
import { type Cipheriv, createCipheriv } from 'node:crypto';

const BLOCK_BYTES = 4_096;
const KEY = Buffer.from('rainmail corpus.');

export class Random {
  readonly #stream: Cipheriv;
  #block: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(seed: number) {
    const counter = Buffer.alloc(16);
    counter.writeUInt32BE(seed); // the low half counts the blocks
    this.#stream = createCipheriv('aes-128-ctr', KEY, counter);
  }

  /** From 0 to below 1. */
  next(): number {
    if (this.#at + 4 > this.#block.length) {
      this.#block = this.bytes(BLOCK_BYTES);
      this.#at = 0;
    }
    const value = this.#block.readUInt32BE(this.#at);
    this.#at += 4;
    return value / 2 ** 32;
  }

  /** A whole number from 0 to below the bound. */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** Normally distributed: mean 0, deviation 1. */
  gauss(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }

  bytes(length: number): Buffer {
    return this.#stream.update(Buffer.alloc(length));
  }
}
