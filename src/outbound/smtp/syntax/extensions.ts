/** What a server offers in its answer to EHLO (RFC 5321 4.1.1.1). Pure. */
import type { Reply } from './reply-reader.ts';

export class Extensions {
  static readonly NONE = new Extensions([]);

  /** By keyword, what follows it. */
  readonly #offered = new Map<string, string>();

  /** The answer to EHLO: its first line is a greeting. */
  static in({ lines }: Reply): Extensions {
    return new Extensions(lines.slice(1));
  }

  private constructor(lines: readonly string[]) {
    for (const line of lines) {
      // Old servers write `AUTH=LOGIN`, beside the proper line or instead of it.
      const [, keyword, parameters = ''] = /^([a-z0-9][a-z0-9-]*)(?:[ =]+(.*))?$/i.exec(line.trimEnd()) ?? [];
      if (keyword === undefined) continue;
      const name = keyword.toUpperCase();
      const before = this.#offered.get(name);
      this.#offered.set(name, before === undefined ? parameters : `${before} ${parameters}`);
    }
  }

  /** @param keyword  in capitals */
  has(keyword: string): boolean {
    return this.#offered.has(keyword);
  }

  /** Bytes that a message may have (RFC 1870 4); undefined: nothing is said of it that could be believed. */
  get sizeLimit(): number | undefined {
    const limit = Number(/^\d+(?=\s|$)/.exec(this.#offered.get('SIZE') ?? '')?.[0] ?? 0);
    return limit === 0 ? undefined : limit;
  }

  /** Ways to sign in (RFC 4954 3). */
  get mechanisms(): ReadonlySet<string> {
    return new Set(this.#offered.get('AUTH')?.toUpperCase().split(/[ =]+/));
  }
}
