/**
 * Looks for strings in a text that comes in pieces, so that a large message is searched without being held whole.
 * Case is ignored, as `foldCase` defines it.
 */
import { foldCase } from '../message/casemap.ts';

/** A string to look for. */
export interface Needle {
  /** Folded; an empty one is found in every text, even an empty one. */
  readonly text: string;
  /** Whether it is looked for in the message's header too (TEXT), or in the body alone (BODY). */
  readonly inHeader: boolean;
}

export class TextFinder {
  readonly #needles: readonly Needle[];
  readonly #found: boolean[];
  readonly #tailLength: number;
  #missing: number;
  /** The end of what was pushed, as a match may begin in it. */
  #tail = '';

  constructor(needles: readonly Needle[]) {
    this.#needles = needles;
    this.#found = needles.map(({ text }) => text === '');
    this.#missing = this.#found.filter((found) => !found).length;
    // Folding never makes a text shorter, so a match that began before this tail has ended in it.
    this.#tailLength = Math.max(1, ...needles.map(({ text }) => text.length));
  }

  /** True when nothing is left to look for. */
  get done(): boolean {
    return this.#missing === 0;
  }

  found(needle: number): boolean {
    return this.#found[needle]!;
  }

  /** Whether the message's header matters. */
  get looksInHeader(): boolean {
    return this.#needles.some(({ inHeader }) => inHeader);
  }

  /** The header of the message, whole. */
  pushHeader(text: string): void {
    this.#look(foldCase(text), true);
  }

  /** The next piece of the body's text. */
  push(piece: string): void {
    const text = this.#tail === '' ? piece : this.#tail + piece;
    this.#look(foldCase(text), false);
    this.#tail = text.slice(-this.#tailLength);
  }

  /** What comes next does not continue what was pushed: it is another part. */
  endPart(): void {
    this.#tail = '';
  }

  #look(folded: string, inHeader: boolean): void {
    for (let n = 0; n < this.#needles.length; n++) {
      const needle = this.#needles[n]!;
      if (this.#found[n] || (inHeader && !needle.inHeader) || !folded.includes(needle.text)) continue;
      this.#found[n] = true;
      this.#missing--;
    }
  }
}
