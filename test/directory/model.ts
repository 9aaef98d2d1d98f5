/** What a directory of domains, accounts, aliases and groups means, as plainly as it can be said: maps, and loops over them. */

export type State = 'active' | 'suspended' | 'closed';

interface Person {
  name: string;
  state: State;
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
  readonly aliases = new Map<string, Set<Person>>();
  readonly groups = new Map<string, { address: string | null; readonly members: Set<Person> }>();

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
    this.people.add({ name, state: 'active' });
  }

  removeAccount(name: string): void {
    const person = this.#person(name);
    this.people.delete(person);
    for (const [address, behind] of this.aliases) {
      behind.delete(person);
      if (behind.size === 0) this.aliases.delete(address);
    }
    for (const { members } of this.groups.values()) members.delete(person);
    this.#forgetCatchAlls();
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
    // A catch-all that led to that alias ends with it.
    if (ownAlias) this.#catchAllsFollow(to, null);
    this.aliases.delete(to);
    person.name = to;
    this.#catchAllsFollow(from, to);
    if (keepOld) this.aliases.set(from, new Set([person]));
  }

  addAlias(address: string, account: string): void {
    need(this.domains.has(domainOf(address)));
    const behind = this.aliases.get(address);
    need(behind !== undefined || !this.#isHeld(address));
    const person = this.#person(account);
    need(behind === undefined || !behind.has(person));
    this.aliases.set(address, new Set([...(behind ?? []), person]));
  }

  removeAlias(address: string): void {
    need(this.aliases.delete(address));
    this.#forgetCatchAlls();
  }

  renameAlias(from: string, to: string): void {
    need(this.domains.has(domainOf(to)) && this.aliases.has(from));
    if (from === to) return;
    need(!this.#isHeld(to));
    this.aliases.set(to, this.aliases.get(from)!);
    this.aliases.delete(from);
    this.#catchAllsFollow(from, to);
  }

  addGroup(name: string): void {
    need(!this.groups.has(name));
    this.groups.set(name, { address: null, members: new Set() });
  }

  removeGroup(name: string): void {
    need(this.groups.delete(name));
    this.#forgetCatchAlls();
  }

  setGroupAddress(name: string, address: string | null): void {
    const group = this.#group(name);
    if (address === group.address) return;
    need(address === null || (this.domains.has(domainOf(address)) && !this.#isHeld(address)));
    const before = group.address;
    group.address = address;
    if (before !== null) this.#catchAllsFollow(before, address);
  }

  joinGroup(name: string, account: string): void {
    const group = this.#group(name);
    group.members.add(this.#person(account));
  }

  leaveGroup(name: string, account: string): void {
    const group = this.#group(name);
    need(group.members.delete(this.#person(account)));
  }

  // ---- what it means

  /** Names of the accounts that get mail for the address, sorted; or why nobody does. */
  resolve(address: string): readonly string[] | 'unknown' | 'foreign' | 'closed' {
    const given = domainOf(address);
    const domain = this.otherNames.get(given) ?? given;
    const settings = this.domains.get(domain);
    if (settings === undefined) return 'foreign';
    const local = address.slice(0, address.lastIndexOf('@'));
    for (let end = local.length; end > 0; end--) {
      const cut = end === local.length || (settings.separator !== '' && local[end] === settings.separator);
      const found = cut ? this.#exactly(`${local.slice(0, end)}@${domain}`) : 'unknown';
      if (found !== 'unknown') return found;
    }
    if (local === 'postmaster') return this.#postmaster(domain);
    return settings.catchAll === null ? 'unknown' : this.#exactly(settings.catchAll);
  }

  #exactly(address: string): readonly string[] | 'unknown' | 'closed' {
    const behind = [...this.people].filter(({ name }) => name === address);
    for (const person of this.aliases.get(address) ?? []) behind.push(person);
    const group = [...this.groups.values()].find((one) => one.address === address);
    if (group !== undefined) behind.push(...group.members);
    else if (behind.length === 0) return 'unknown';
    const open = behind.filter(({ state }) => state !== 'closed');
    return open.length === 0 ? 'closed' : open.map(({ name }) => name).sort();
  }

  #postmaster(domain: string): readonly string[] | 'unknown' {
    for (const state of ['active', 'suspended']) {
      const found = [...this.people].find((one) => one.state === state && domainOf(one.name) === domain);
      if (found !== undefined) return [found.name];
    }
    for (const state of ['active', 'suspended']) {
      const found = [...this.people].find((one) => one.state === state);
      if (found !== undefined) return [found.name];
    }
    return 'unknown';
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

  #group(name: string): { address: string | null; readonly members: Set<Person> } {
    const group = this.groups.get(name);
    need(group !== undefined);
    return group;
  }

  #catchAllsFollow(from: string, to: string | null): void {
    for (const domain of this.domains.values()) if (domain.catchAll === from) domain.catchAll = to;
  }

  #forgetCatchAlls(): void {
    for (const domain of this.domains.values()) {
      if (domain.catchAll !== null && !this.#isHeld(domain.catchAll)) domain.catchAll = null;
    }
  }
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}
