/**
 * Takes fields out of a header as it goes by, with their continuation lines. Data comes in chunks of any size that never cut a CRLF.
 *
 * Invariant: but for these fields every byte comes out as it went in, and fewer than {@link MOST_HELD} bytes are held back: the beginning of a
 * field that may go.
 */
const CR = 13;
const LF = 10;
const SPACE = 32;
const TAB = 9;
const COLON = 58;
const NOTHING = Buffer.alloc(0);

/** So much of a field tells whether it goes. */
const MOST_HELD = 4_096;

/** Which fields of a name go. */
export interface FieldRule {
  /** Lower case. */
  readonly name: string;
  /** @param field  from its name on; the whole field, or its first {@link MOST_HELD} bytes or more */
  readonly goes: (field: Buffer) => boolean;
}

export class FieldFilter {
  readonly #rules: readonly FieldRule[];
  #held: Buffer = NOTHING;
  #atLineStart = true;
  /** The current line belongs to a field that goes. */
  #dropping = false;
  #ended = false;

  constructor(rules: readonly FieldRule[]) {
    this.#rules = rules;
  }

  /** Takes the next bytes. @returns those that stay */
  push(data: Buffer): Buffer {
    if (this.#ended) return data;
    const all = this.#held.length === 0 ? data : Buffer.concat([this.#held, data]);
    this.#held = NOTHING;
    const kept: Buffer[] = [];
    for (let at = 0; at < all.length; ) {
      if (this.#atLineStart) {
        if (all[at] === CR) {
          this.#ended = true;
          kept.push(all.subarray(at));
          break;
        }
        // A folded line belongs to the field before it (RFC 5322 2.2.3).
        if (!isBlank(all[at])) {
          const fate = this.#fateOf(all, at);
          if (fate === undefined) {
            this.#held = all.subarray(at);
            break;
          }
          this.#dropping = fate;
        }
      }
      const lf = all.indexOf(LF, at);
      const end = lf === -1 ? all.length : lf + 1;
      if (!this.#dropping) kept.push(all.subarray(at, end));
      this.#atLineStart = lf !== -1;
      at = end;
    }
    return kept.length === 1 && kept[0]!.length === data.length ? kept[0]! : Buffer.concat(kept);
  }

  /** The message is whole. @returns what of it was held back and stays */
  finish(): Buffer {
    const held = this.#held;
    this.#held = NOTHING;
    const rule = ruleFor(this.#rules, held, 0);
    return rule?.goes(held) === true ? NOTHING : held;
  }

  /** Does the field that begins here go? Undefined: what there is of it does not tell. */
  #fateOf(data: Buffer, from: number): boolean | undefined {
    const mayWait = data.length - from < MOST_HELD;
    const rule = ruleFor(this.#rules, data, from);
    if (rule === null) return false;
    // A name and thousands of blanks, without its colon: no program writes that, and one that reads it might take it for the field.
    if (rule === undefined) return mayWait ? undefined : true;
    const end = endOfField(data, from);
    if (end === -1 && mayWait) return undefined;
    return rule.goes(data.subarray(from, end === -1 ? data.length : end));
  }
}

/** The rule for the field that begins here; null: there is none. Undefined: what there is of its name does not tell. */
function ruleFor(rules: readonly FieldRule[], data: Buffer, from: number): FieldRule | null | undefined {
  for (const rule of rules) {
    const { name } = rule;
    let at = 0;
    while (at < name.length && from + at < data.length && isLetter(data[from + at]!, name.charCodeAt(at))) at += 1;
    if (from + at === data.length) return undefined;
    if (at < name.length) continue;
    // RFC 5322 4.5: white space may stand before the colon.
    while (isBlank(data[from + at])) at += 1;
    if (from + at === data.length) return undefined;
    if (data[from + at] === COLON) return rule;
  }
  return null;
}

/** Where the line after the field begins, or -1. */
function endOfField(data: Buffer, from: number): number {
  for (let at = data.indexOf(LF, from); at !== -1; at = data.indexOf(LF, at + 1)) {
    if (at + 1 === data.length) return -1; // the next line may belong to it
    if (!isBlank(data[at + 1])) return at + 1;
  }
  return -1;
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB;
}

/** Compares with a character of a name, without regard to case. */
function isLetter(byte: number, lower: number): boolean {
  return byte === lower || (lower >= 97 && byte === lower - 32);
}
