/**
 * A set of message numbers (sequence numbers or UIDs): ascending ranges that neither touch nor overlap, packed in pairs.
 *
 * Every operation costs time by the number of ranges, never of messages; finding is by halving.
 */
import { STAR } from './types.ts';

export class NumberSet {
  static readonly EMPTY = new NumberSet(new Uint32Array(0));

  /** Lowest and highest number of each range, in turn. */
  readonly bounds: Uint32Array;

  private constructor(bounds: Uint32Array) {
    this.bounds = bounds;
  }

  /**
   * The set that ranges mean while `largest` is the largest number in use (0 when there is none), which `*` stands for.
   * Bounds may come in any order (RFC 9051 9, seq-range); 0 is no message's number and falls out.
   *
   * @param ranges two numbers a range
   */
  static resolve(ranges: readonly number[], largest: number): NumberSet {
    const pairs = new Uint32Array(ranges.length);
    let used = 0;
    let sorted = true;
    for (let i = 0; i + 1 < ranges.length; i += 2) {
      const a = ranges[i] === STAR ? largest : ranges[i]!;
      const b = ranges[i + 1] === STAR ? largest : ranges[i + 1]!;
      const high = Math.max(a, b);
      if (high === 0) continue;
      pairs[used] = Math.max(Math.min(a, b), 1);
      pairs[used + 1] = high;
      if (used > 0 && pairs[used]! <= pairs[used - 1]!) sorted = false;
      used += 2;
    }
    return merged(sorted ? pairs.subarray(0, used) : sortedPairs(pairs.subarray(0, used)));
  }

  /** The set of numbers that ascend; doubles are allowed. */
  static ascending(numbers: Iterable<number>): NumberSet {
    const bounds: number[] = [];
    for (const number of numbers) {
      const last = bounds.length - 1;
      if (last > 0 && number <= bounds[last]! + 1) bounds[last] = Math.max(bounds[last]!, number);
      else bounds.push(number, number);
    }
    return bounds.length === 0 ? NumberSet.EMPTY : new NumberSet(Uint32Array.from(bounds));
  }

  /** The set of all numbers from `low` to `high`; empty when there are none. */
  static range(low: number, high: number): NumberSet {
    return low > high ? NumberSet.EMPTY : new NumberSet(Uint32Array.of(low, high));
  }

  /** Not for callers: takes ranges that ascend and don't touch. */
  static packed(bounds: Uint32Array): NumberSet {
    return bounds.length === 0 ? NumberSet.EMPTY : new NumberSet(bounds);
  }

  get isEmpty(): boolean {
    return this.bounds.length === 0;
  }

  /** How many numbers are in it. */
  get size(): number {
    let size = 0;
    for (let i = 0; i < this.bounds.length; i += 2) size += this.bounds[i + 1]! - this.bounds[i]! + 1;
    return size;
  }

  /** The lowest number; undefined when empty. */
  get first(): number | undefined {
    return this.bounds[0];
  }

  /** The highest number; undefined when empty. */
  get last(): number | undefined {
    return this.bounds[this.bounds.length - 1];
  }

  has(number: number): boolean {
    const { bounds } = this;
    let low = 0;
    let high = bounds.length / 2;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (bounds[2 * middle + 1]! < number) low = middle + 1;
      else high = middle;
    }
    return 2 * low < bounds.length && bounds[2 * low]! <= number;
  }

  /** The numbers, ascending. */
  *[Symbol.iterator](): Generator<number, void, undefined> {
    const { bounds } = this;
    for (let i = 0; i < bounds.length; i += 2) {
      for (let number = bounds[i]!; number <= bounds[i + 1]!; number++) yield number;
    }
  }

  union(other: NumberSet): NumberSet {
    if (this.isEmpty) return other;
    if (other.isEmpty) return this;
    const [a, b] = [this.bounds, other.bounds];
    const pairs = new Uint32Array(a.length + b.length);
    for (let i = 0, j = 0, out = 0; out < pairs.length; out += 2) {
      const takeA = j >= b.length || (i < a.length && a[i]! <= b[j]!);
      pairs.set(takeA ? a.subarray(i, i + 2) : b.subarray(j, j + 2), out);
      if (takeA) i += 2;
      else j += 2;
    }
    return merged(pairs);
  }

  /** The numbers of this set that `other` lacks. */
  minus(other: NumberSet): NumberSet {
    const [a, b] = [this.bounds, other.bounds];
    const out: number[] = [];
    let j = 0;
    for (let i = 0; i < a.length; i += 2) {
      let low = a[i]!;
      const high = a[i + 1]!;
      while (j < b.length && b[j + 1]! < low) j += 2;
      for (let k = j; k < b.length && b[k]! <= high; k += 2) {
        if (b[k]! > low) out.push(low, b[k]! - 1);
        low = b[k + 1]! + 1;
      }
      if (low <= high) out.push(low, high);
    }
    return NumberSet.packed(Uint32Array.from(out));
  }

  /** As IMAP writes it: `1:3,5`. Empty when the set is. */
  toString(): string {
    const { bounds } = this;
    let text = '';
    for (let i = 0; i < bounds.length; i += 2) {
      if (i > 0) text += ',';
      text += bounds[i] === bounds[i + 1] ? bounds[i]! : `${bounds[i]}:${bounds[i + 1]}`;
    }
    return text;
  }
}

/** Joins pairs, ordered by their lower bound, that touch or overlap. */
function merged(pairs: Uint32Array): NumberSet {
  const bounds = pairs.slice();
  let used = 0;
  for (let i = 0; i < pairs.length; i += 2) {
    if (used > 0 && pairs[i]! <= bounds[used - 1]! + 1) {
      bounds[used - 1] = Math.max(bounds[used - 1]!, pairs[i + 1]!);
    } else {
      bounds[used] = pairs[i]!;
      bounds[used + 1] = pairs[i + 1]!;
      used += 2;
    }
  }
  return NumberSet.packed(used === bounds.length ? bounds : bounds.slice(0, used));
}

/** The pairs in the order of their lower bounds. */
function sortedPairs(pairs: Uint32Array): Uint32Array {
  const order = Uint32Array.from({ length: pairs.length / 2 }, (_, i) => i).sort(
    (a, b) => pairs[2 * a]! - pairs[2 * b]!,
  );
  const sorted = new Uint32Array(pairs.length);
  order.forEach((from, to) => {
    sorted[2 * to] = pairs[2 * from]!;
    sorted[2 * to + 1] = pairs[2 * from + 1]!;
  });
  return sorted;
}
