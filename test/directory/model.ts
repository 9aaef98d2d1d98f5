/**
 * What a directory of domains, accounts, aliases, groups and forwardings means, as plainly as it can be said: maps, and loops over them. An address
 * elsewhere is a string where somebody here is a person.
 */

export type State = 'active' | 'suspended' | 'closed';

interface Person {
  name: string;
  state: State;
  forwards: { readonly to: Set<string>; keeps: boolean } | null;
}

interface Group {
  address: string | null;
  readonly members: Set<Person | string>;
  closed: boolean;
}

/** Where mail goes: names of accounts here, and addresses elsewhere, each sorted. */
export interface Gone {
  readonly here: readonly string[];
  readonly elsewhere: readonly string[];
}

interface Domain {
  catchAll: string | null;
  separator: string;
}

/** A change the directory must refuse, too. */
export class NotPossible extends Error {}

function need(possible: boolean): asserts possible {
  if (!possible) throw new NotPossible();
}

export class ModelDirectory {
  readonly domains = new Map<string, Domain>();
  /** Another name of a domain -> the domain. */
  readonly otherNames = new Map<string, string>();
  /** In the order in which they came. */
  readonly people = new Set<Person>();
  readonly aliases = new Map<string, Set<Person | string>>();
  readonly groups = new Map<string, Group>();

  // ---- changes: each all or nothing

  addDomain(name: string): void {
    need(!this.domains.has(name) && !this.otherNames.has(name));
    this.domains.set(name, { catchAll: null, separator: '+' });
  }

  removeDomain(name: string): void {
    if (this.otherNames.delete(name)) return;
    need(this.domains.has(name));
    need(![...this.addresses()].some((address) => domainOf(address) === name));
    this.domains.delete(name);
    for (const [other, main] of this.otherNames) if (main === name) this.otherNames.delete(other);
  }

  renameDomain(from: string, to: string, { keepOld }: { keepOld: boolean }): void {
    need(this.domains.has(from));
    need(!this.domains.has(to) && (!this.otherNames.has(to) || this.otherNames.get(to) === from));
    this.otherNames.delete(to);
    const moved = (address: string) =>
      domainOf(address) === from ? `${address.slice(0, address.lastIndexOf('@'))}@${to}` : address;
    this.domains.set(to, this.domains.get(from)!);
    this.domains.delete(from);
    for (const person of this.people) person.name = moved(person.name);
    for (const [address, behind] of [...this.aliases]) {
      this.aliases.delete(address);
      this.aliases.set(moved(address), behind);
    }
    for (const group of this.groups.values()) group.address = group.address && moved(group.address);
    for (const domain of this.domains.values()) domain.catchAll = domain.catchAll && moved(domain.catchAll);
    for (const { forwards } of this.people) {
      if (forwards === null) continue;
      const targets = [...forwards.to].map(moved);
      forwards.to.clear();
      for (const target of targets) forwards.to.add(target);
    }
    for (const [other, main] of this.otherNames) if (main === from) this.otherNames.set(other, to);
    if (keepOld) this.otherNames.set(from, to);
  }

  setCatchAll(name: string, address: string | null): void {
    need(this.domains.has(name));
    need(address === null || this.#isHeld(address));
    this.domains.get(name)!.catchAll = address;
  }

  setSubaddress(name: string, separator: string): void {
    need(this.domains.has(name));
    this.domains.get(name)!.separator = separator;
  }

  addAccount({ address: name }: { address: string }): void {
    need(this.domains.has(domainOf(name)) && !this.#isHeld(name));
    this.people.add({ name, state: 'active', forwards: null });
  }

  removeAccount(name: string): void {
    const person = this.#person(name);
    this.#freeing(() => {
      this.people.delete(person);
      for (const [address, behind] of this.aliases) {
        behind.delete(person);
        if (behind.size === 0) this.aliases.delete(address);
      }
      for (const { members } of this.groups.values()) members.delete(person);
    });
  }

  setState(name: string, state: State): void {
    this.#person(name).state = state;
  }

  renameAccount(from: string, to: string, { keepOld }: { keepOld: boolean }): void {
    const person = this.#person(from);
    if (from === to) return;
    need(this.domains.has(domainOf(to)));
    const behind = this.aliases.get(to);
    const ownAlias = behind?.size === 1 && behind.has(person);
    need(ownAlias || !this.#isHeld(to));
    this.aliases.delete(to);
    person.name = to;
    this.#follow(from, to);
    if (keepOld) this.aliases.set(from, new Set([person]));
  }

  addAlias(address: string, target: string): void {
    need(this.domains.has(domainOf(address)));
    const behind = this.aliases.get(address);
    need(behind !== undefined || !this.#isHeld(address));
    const one = this.#somebody(target);
    need(behind === undefined || !behind.has(one));
    this.aliases.set(address, new Set([...(behind ?? []), one]));
  }

  removeAlias(address: string): void {
    this.#freeing(() => need(this.aliases.delete(address)));
  }

  renameAlias(from: string, to: string): void {
    need(this.domains.has(domainOf(to)) && this.aliases.has(from));
    if (from === to) return;
    need(!this.#isHeld(to));
    this.aliases.set(to, this.aliases.get(from)!);
    this.aliases.delete(from);
    this.#follow(from, to);
  }

  addGroup(name: string): void {
    need(!this.groups.has(name));
    this.groups.set(name, { address: null, members: new Set(), closed: false });
  }

  removeGroup(name: string): void {
    this.#freeing(() => need(this.groups.delete(name)));
  }

  setGroupAddress(name: string, address: string | null): void {
    const group = this.#group(name);
    if (address === group.address) return;
    need(address === null || (this.domains.has(domainOf(address)) && !this.#isHeld(address)));
    const before = group.address;
    group.address = address;
    if (before !== null) this.#follow(before, address);
  }

  joinGroup(name: string, target: string): void {
    const group = this.#group(name);
    group.members.add(this.#somebody(target));
  }

  leaveGroup(name: string, target: string): void {
    const group = this.#group(name);
    need(group.members.delete(group.members.has(target) ? target : this.#person(target)));
  }

  setPosting(name: string, [who]: readonly string[]): void {
    this.#group(name).closed = who !== 'anyone';
  }

  setForwarding(name: string, to: readonly string[], { keeps }: { keeps: boolean }): void {
    const person = this.#person(name);
    const targets = new Set(to.map((target) => this.#mainName(target)));
    for (const target of targets) {
      if (!this.domains.has(domainOf(target))) continue;
      const behind = this.#behind(target);
      need(behind !== undefined && !this.#isClosedGroup(target));
      need(behind.some((one) => typeof one === 'string' || one.state !== 'closed'));
    }
    const before = person.forwards;
    person.forwards = { to: targets, keeps };
    if (!this.#leadsTo(person, person, new Set())) return;
    person.forwards = before;
    throw new NotPossible();
  }

  removeForwarding(name: string): void {
    const person = this.#person(name);
    need(person.forwards !== null);
    person.forwards = null;
  }

  // ---- what it means

  /** Who gets mail for the address; or why nobody does. */
  resolve(address: string): Gone | 'unknown' | 'foreign' | 'closed' {
    const given = domainOf(address);
    const domain = this.otherNames.get(given) ?? given;
    const settings = this.domains.get(domain);
    if (settings === undefined) return 'foreign';
    const local = localOf(address);
    if (local === 'postmaster' || local === 'abuse') {
      const named = this.#exactly(`${local}@${domain}`);
      const holder = this.#holder(domain);
      const isRead = typeof named === 'object' && (named.elsewhere.length > 0 || named.here.some(this.#isActive));
      if (typeof named === 'object' && (isRead || holder?.state !== 'active')) return named;
      return holder === undefined ? 'unknown' : this.#exactly(holder.name);
    }
    for (let end = local.length; end > 0; end--) {
      const cut = end === local.length || (settings.separator !== '' && local[end] === settings.separator);
      const found = cut ? this.#exactly(`${local.slice(0, end)}@${domain}`) : 'unknown';
      if (found !== 'unknown') return found;
    }
    return settings.catchAll === null ? 'unknown' : this.#exactly(settings.catchAll);
  }

  #exactly(address: string): Gone | 'unknown' | 'closed' {
    const behind = this.#behind(address);
    if (behind === undefined) return 'unknown';
    const here = new Set<string>();
    const elsewhere = new Set<string>();
    const done = new Map<Person, boolean>();
    const give = (one: Person | string): boolean => {
      if (typeof one === 'string') {
        if (this.#holder(domainOf(address)) !== undefined) elsewhere.add(one);
        return true;
      }
      if (one.state === 'closed') return false;
      if (done.has(one)) return done.get(one)!;
      done.set(one, false);
      let reached = false;
      for (const target of [...(one.forwards?.to ?? [])].sort()) {
        const main = this.#mainName(target);
        if (!this.domains.has(domainOf(main))) reached = give(target) || reached;
        else if (!this.#isClosedGroup(main)) {
          for (const next of this.#behind(main) ?? []) reached = give(next) || reached;
        }
      }
      if (!reached || one.forwards === null || one.forwards.keeps) here.add(one.name);
      done.set(one, true);
      return true;
    };
    for (const one of behind) give(one);
    if (here.size + elsewhere.size === 0) return 'closed';
    return { here: [...here].sort(), elsewhere: [...elsewhere].sort() };
  }

  /** People in the order in which they came, then addresses elsewhere; undefined where nobody has the address. */
  #behind(address: string): (Person | string)[] | undefined {
    const group = [...this.groups.values()].find((one) => one.address === address);
    const all = [...this.people].filter(
      (one) => one.name === address || this.aliases.get(address)?.has(one) || group?.members.has(one),
    );
    if (all.length === 0 && !this.aliases.has(address) && group === undefined) return undefined;
    const outsiders = [...(this.aliases.get(address) ?? group?.members ?? [])].filter((one) => typeof one === 'string');
    return [...all, ...outsiders];
  }

  #isClosedGroup(address: string): boolean {
    return [...this.groups.values()].some((one) => one.address === address && one.closed);
  }

  /** Does mail of somebody come to somebody by what is forwarded here? */
  #leadsTo(from: Person, to: Person, seen: Set<Person>): boolean {
    for (const target of from.forwards?.to ?? []) {
      for (const next of this.#behind(this.#mainName(target)) ?? []) {
        if (next === to) return true;
        if (typeof next === 'string' || seen.has(next)) continue;
        seen.add(next);
        if (this.#leadsTo(next, to, seen)) return true;
      }
    }
    return false;
  }

  #mainName(address: string): string {
    const main = this.otherNames.get(domainOf(address));
    return main === undefined ? address : `${localOf(address)}@${main}`;
  }

  readonly #isActive = (name: string): boolean => this.#person(name).state === 'active';

  /** Who gets what is for postmaster where nobody has that address. */
  #holder(domain: string): Person | undefined {
    for (const isTheirs of [(name: string) => domainOf(name) === domain, () => true]) {
      for (const state of ['active', 'suspended']) {
        const found = [...this.people].find((one) => one.state === state && isTheirs(one.name));
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }

  /** Who forwards, to where, in order of name. */
  forwardings(): { account: string; to: string[]; keeps: boolean }[] {
    const all = [...this.people].flatMap(({ name, forwards }) =>
      forwards === null ? [] : [{ account: name, to: [...forwards.to].sort(), keeps: forwards.keeps }],
    );
    return all.sort((a, b) => (a.account < b.account ? -1 : 1));
  }

  /** Every address that somebody has; one that is there twice means two things, which must never be. */
  *addresses(): Generator<string> {
    for (const { name } of this.people) yield name;
    yield* this.aliases.keys();
    for (const { address } of this.groups.values()) if (address !== null) yield address;
  }

  #isHeld(address: string): boolean {
    return [...this.addresses()].includes(address);
  }

  #person(name: string): Person {
    const person = [...this.people].find((one) => one.name === name);
    need(person !== undefined);
    return person;
  }

  /** Somebody of this office, or an address elsewhere. */
  #somebody(address: string): Person | string {
    const ours = this.domains.has(domainOf(address)) || this.otherNames.has(domainOf(address));
    return ours ? this.#person(address) : address;
  }

  #group(name: string): Group {
    const group = this.groups.get(name);
    need(group !== undefined);
    return group;
  }

  #follow(from: string, to: string | null): void {
    for (const domain of this.domains.values()) if (domain.catchAll === from) domain.catchAll = to;
    for (const person of this.people) {
      if (!person.forwards?.to.delete(from)) continue;
      if (to !== null) person.forwards.to.add(to);
      if (person.forwards.to.size === 0) person.forwards = null;
    }
  }

  /** Ends what led to addresses that nobody has after a change who had somebody before. */
  #freeing(change: () => void): void {
    const before = [...this.addresses()];
    change();
    for (const address of before) if (!this.#isHeld(address)) this.#follow(address, null);
  }
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}

function localOf(address: string): string {
  return address.slice(0, address.lastIndexOf('@'));
}
