/**
 * Another directory, where people and groups of this office live: what is known of it here, and what is taken over from it, with an audit entry
 * in the transaction of each change (actor "LDAP").
 *
 * Invariant: what can't be taken over is a problem that is told, and stops nobody else.
 */
import { Refused } from '../../errors.ts';
import type { Writer } from '../../store/engine/engine.ts';
import { nowSeconds } from '../../store/ids.ts';
import { recordAudit } from '../../store/operations/audit.ts';
import { getMeta, setMeta } from '../../store/operations/meta.ts';
import { requireAccount } from '../accounts.ts';
import type { ChangeHost } from '../changes/host.ts';
import { PASSWORD_ID } from '../credentials.ts';
import { ensureDomain } from '../domains.ts';
import { pages } from '../pages.ts';
import { canonicalAddress } from '../rules.ts';
import * as groups from './groups.ts';
import { PLACE } from './guard.ts';
import * as people from './people.ts';
import type { Named, OutsideGroup, OutsidePerson } from './types.ts';

const LDAP_ACTOR = 'LDAP';

/** What became of one of a chunk. */
export type Outcome<T> = { readonly taken: T } | { readonly problem: string };

export class OutsideDirectory {
  readonly #host: ChangeHost;

  constructor(host: ChangeHost) {
    this.#host = host;
  }

  /** Everybody who lives there, the oldest account first. */
  people(): AsyncGenerator<people.KnownPerson> {
    return pages<people.KnownPerson, number>(this.#host, people.knownPeople, 0, ({ account }) => account);
  }

  groups(): AsyncGenerator<groups.KnownGroup> {
    return pages<groups.KnownGroup, number>(this.#host, groups.knownGroups, 0, ({ id }) => id);
  }

  /** Who is in one of its groups, the oldest account first. */
  members(group: number): AsyncGenerator<Named> {
    return pages<Named, number>(
      this.#host,
      (tx, after) => groups.groupMembers(tx, group, after),
      0,
      ({ account }) => account,
    );
  }

  /** Notes where the other directory is, for texts that send people there; and makes the domains whose people live there. */
  async begin(place: string, domains: readonly string[]): Promise<void> {
    const isThere = await this.#host.read(async (tx) => (await getMeta(tx, PLACE)) === place);
    if (!isThere) await this.#host.write((tx) => setMeta(tx, PLACE, place));
    for (const domain of domains) {
      await this.#host.write(async (tx) => {
        if (!(await ensureDomain(tx, domain, nowSeconds()))) return;
        await this.#tell(tx, { action: 'domain.add', subject: domain, detail: {} });
      });
    }
  }

  /** Takes some people over in one transaction; one who can't be is left out, with the reason. In the order given. */
  takePeople(chunk: readonly OutsidePerson[]): Promise<Outcome<people.PersonTaken>[]> {
    return this.#each(
      chunk,
      (tx, person) => this.#takePerson(tx, person),
      (taken) => this.#changed(taken),
    );
  }

  /** Those whom the other directory does not know any more; chunk by chunk, as {@link takePeople}. */
  async markGone(externalIds: readonly string[]): Promise<people.PersonTaken[]> {
    const gone = await this.#host.write(async (tx) => {
      const marked: people.PersonTaken[] = [];
      for (const id of externalIds) {
        const person = await people.markGone(tx, id);
        if (person === undefined) continue;
        await this.#tell(tx, { action: 'ldap.gone', subject: person.name, detail: person.detail });
        marked.push(person);
      }
      return marked;
    });
    for (const person of gone) await this.#changed(person);
    return gone;
  }

  takeGroups(chunk: readonly OutsideGroup[]): Promise<Outcome<groups.GroupTaken>[]> {
    return this.#each(
      chunk,
      (tx, group) => this.#takeGroup(tx, group),
      async ({ detail }) => {
        if ('before' in detail) await this.#host.accessChanged('all'); // of two groups of one rank the name decides
      },
    );
  }

  async markGroupGone(group: groups.KnownGroup): Promise<void> {
    await this.#host.write(async (tx) => {
      await groups.markGroupGone(tx, group);
      await this.#tell(tx, { action: 'ldap.group', subject: group.name, detail: { gone: true } });
    });
  }

  /** Changes who is in a group; up to a page at a time. @returns the address that the group had to give up, having too many members now */
  async changeMembers(
    group: groups.KnownGroup,
    change: { readonly join: readonly Named[]; readonly leave: readonly Named[] },
  ): Promise<string | null> {
    const join = change.join.map(({ account }) => account);
    const leave = change.leave.map(({ account }) => account);
    const givenUp = await this.#host.write(async (tx) => {
      const address = await groups.changeMembers(tx, group.id, { join, leave });
      const [joined, left] = [change.join, change.leave].map((some) => some.map(({ name }) => name));
      const detail = { joined, left, ...(address === null ? {} : { addressGivenUp: address }) };
      await this.#tell(tx, { action: 'ldap.members', subject: group.name, also: [...joined!, ...left!], detail });
      return address;
    });
    await this.#host.accessChanged([...join, ...leave]);
    return givenUp;
  }

  /** An account made here, or of somebody who is gone there, becomes that of a person there. @throws Refused `directory.missing`, `directory.exists` */
  async adopt(actor: string, person: OutsidePerson): Promise<people.PersonTaken> {
    const [name] = person.addresses;
    const taken = await this.#host.write(async (tx) => {
      const account = await requireAccount(tx, name);
      if (await people.isThere(tx, account.id)) {
        throw new Refused('directory.exists', `${name} lives in LDAP already.`);
      }
      await people.adopt(tx, account.id, person.externalId);
      await this.#tell(tx, { actor, action: 'ldap.adopt', subject: name, detail: {} });
      return this.#takePerson(tx, person);
    });
    await this.#host.revoked(taken.account, PASSWORD_ID); // nobody stays signed in with a password that is void
    await this.#changed(taken);
    return taken;
  }

  /** Somebody lives here from now on. @returns the address in canonical form @throws Refused `directory.missing`, `directory.invalid` */
  async release(actor: string, text: string): Promise<string> {
    const name = canonicalAddress(text);
    await this.#host.write(async (tx) => {
      await people.release(tx, name);
      await this.#tell(tx, { actor, action: 'ldap.release', subject: name, detail: {} });
    });
    return name;
  }

  async #takePerson(tx: Writer, person: OutsidePerson): Promise<people.PersonTaken> {
    const taken = await people.takePerson(tx, person, nowSeconds());
    const { name, change, detail } = taken;
    if (change === 'same') return taken;
    const { before, aliases = [], aliasesRemoved = [] } = detail as Record<string, string[] | string | undefined>;
    const also = [before, aliases, aliasesRemoved].flat().filter((address) => address !== undefined);
    await this.#tell(tx, { action: change === 'added' ? 'ldap.add' : 'ldap.update', subject: name, also, detail });
    return taken;
  }

  async #takeGroup(tx: Writer, group: OutsideGroup): Promise<groups.GroupTaken> {
    const taken = await groups.takeGroup(tx, group, nowSeconds());
    const { name, change, detail } = taken;
    const also = 'before' in detail ? [String(detail['before'])] : [];
    if (change !== 'same') await this.#tell(tx, { action: 'ldap.group', subject: name, also, detail });
    return taken;
  }

  /** All in one transaction; where one of them is refused, each in its own. */
  async #each<Item, T>(
    items: readonly Item[],
    take: (tx: Writer, item: Item) => Promise<T>,
    after: (taken: T) => Promise<void> = async () => {},
  ): Promise<Outcome<T>[]> {
    const outcomes: Outcome<T>[] = [];
    try {
      const all = await this.#host.write(async (tx) => {
        const taken: T[] = [];
        for (const item of items) taken.push(await take(tx, item));
        return taken;
      });
      for (const taken of all) outcomes.push({ taken });
    } catch (error) {
      if (!isProblem(error)) throw error;
      for (const item of items) {
        try {
          outcomes.push({ taken: await this.#host.write((tx) => take(tx, item)) });
        } catch (refusal) {
          if (!isProblem(refusal)) throw refusal;
          outcomes.push({ problem: refusal.message });
        }
      }
    }
    for (const outcome of outcomes) if ('taken' in outcome) await after(outcome.taken);
    return outcomes;
  }

  /** What follows for those who are signed in. */
  async #changed({ account, state, detail }: people.PersonTaken): Promise<void> {
    if ('before' in detail) await this.#host.accessChanged([account]); // another domain, another policy
    if (state !== undefined) await this.#host.stateChanged(account, state);
  }

  async #tell(
    tx: Writer,
    entry: {
      readonly actor?: string;
      readonly action: string;
      readonly subject: string;
      readonly also?: readonly string[];
      readonly detail: Readonly<Record<string, unknown>>;
    },
  ): Promise<void> {
    await recordAudit(tx, { actor: LDAP_ACTOR, ...entry }, nowSeconds());
  }
}

/** What is wrong with one of them; all else, such as a full disk, is no problem of theirs. */
function isProblem(error: unknown): error is Refused {
  return error instanceof Refused && error.code.startsWith('directory.');
}
