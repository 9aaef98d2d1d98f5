/**
 * Which certificate a client gets by the name it asks for (SNI, RFC 6066 3). Pure.
 *
 * The DNS names of a certificate are matched as clients will match them (RFC 9525 6.3): letters of either case, and a wildcard only as the
 * whole leftmost label, for one label. A common name counts for nothing.
 */

/** The DNS names in a `subjectAltName` as Node tells it: `DNS:mail.example.org, IP Address:192.0.2.1`. Lower case. */
export function dnsNames(subjectAltName: string | undefined): string[] {
  // A name with characters of its own meaning comes in quotes: no client asks for such a one.
  const names = (subjectAltName ?? '').split(', ').flatMap((entry) => /^DNS:([^\s"]+)$/.exec(entry)?.[1] ?? []);
  return names.map((name) => name.toLowerCase());
}

/** True when a certificate with these names is right for `name`. */
export function covers(names: readonly string[], name: string): boolean {
  return new NameIndex([{ names, value: true }]).find(name) === true;
}

/** Finds the right one of many certificates: of several with a name, the first; a whole name before a wildcard. */
export class NameIndex<T> {
  readonly #values = new Map<string, T>();

  constructor(entries: readonly { readonly names: readonly string[]; readonly value: T }[]) {
    for (const { names, value } of entries) {
      for (const name of names) if (!this.#values.has(name)) this.#values.set(name, value);
    }
  }

  find(asked: string): T | undefined {
    const name = asked.toLowerCase();
    if (name.includes('*')) return undefined; // no name of a host
    const exact = this.#values.get(name);
    if (exact !== undefined) return exact;
    const dot = name.indexOf('.');
    return dot < 1 ? undefined : this.#values.get(`*${name.slice(dot)}`);
  }
}
