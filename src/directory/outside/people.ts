/**
 * People who live in another directory are accounts like all others, for mail needs them here; what they are is decided there.
 *
 * Invariants
 * - A person is known by what the other directory knows them by for good: whoever gets another name there gets it here, and keeps their mail.
 * - An account that was made here, or was somebody's who is gone, is never taken over for the sake of its name: {@link adopt} does that,
 *   when an administrator says so.
 * - Nobody is ever removed. Who may not sign in there, or is gone, is suspended; and may again when they may there, unless an
 *   administrator suspended them here.
 */
import type { Reader, Writer } from '../../store/engine/engine.ts';
import { PAGE_ROWS } from '../../store/engine/engine.ts';
import { sql } from '../../store/engine/sql.ts';
import type { AccountId, EpochSeconds } from '../../store/ids.ts';
import { requireAccount, setDisplayName } from '../accounts.ts';
import { parseAddress } from '../address.ts';
import { addAlias, aliasOutsiders, aliasTargets, removeAlias } from '../aliases.ts';
import { forgetPassword } from '../credentials.ts';
import { holderOf } from '../names.ts';
import { addAccount } from '../new-account.ts';
import { explainQuota, setRule } from '../quotas.ts';
import { renameAccount } from '../rename-account.ts';
import { exists, missing } from '../rules.ts';
import type { AccountState } from '../types.ts';
import { LDAP_SOURCE, type Named, type OutsidePerson, type SourceState } from './types.ts';

type KnownRow = readonly [
  account: number,
  externalId: string,
  name: string,
  displayName: string,
  state: string,
  sourceState: string,
  suspendedHere: number,
];

const COLUMNS = 'p.account_id, p.external_id, a.name, p.display_name, a.state, p.source_state, p.suspended_here';
const TABLES = 'person p JOIN account a ON a.account_id = p.account_id';
const BY_ID = sql<KnownRow>(`SELECT ${COLUMNS} FROM ${TABLES} WHERE p.external_id = ? AND p.source IS NOT NULL`);
const LIST = sql<KnownRow>(`
  SELECT ${COLUMNS} FROM ${TABLES} WHERE p.source IS NOT NULL AND p.account_id > ? ORDER BY p.account_id LIMIT ?`);
const EXTERNAL_ID = sql<readonly [externalId: string]>(
  'SELECT external_id FROM person WHERE account_id = ? AND source IS NOT NULL',
);
const SOURCE_STATE = sql<readonly [state: string]>(
  'SELECT source_state FROM person WHERE account_id = ? AND source IS NOT NULL',
);
const SET_SOURCE = sql('UPDATE person SET source = ?, external_id = ?, source_state = ? WHERE account_id = ?');
const SET_SOURCE_STATE = sql('UPDATE person SET source_state = ? WHERE account_id = ?');
const SET_STATE = sql('UPDATE account SET state = ? WHERE account_id = ?');
const ALIASES = sql<readonly [address: string]>(
  'SELECT address FROM alias WHERE account_id = ? AND source IS NOT NULL',
);
const MARK_ALIAS = sql('UPDATE alias SET source = ? WHERE address = ? AND account_id = ?');
const UNMARK_ALIASES = sql('UPDATE alias SET source = NULL WHERE account_id = ?');

/** Somebody who lives there, as they are here. */
export interface KnownPerson extends Named {
  readonly externalId: string;
  readonly displayName: string;
  readonly state: AccountState;
  readonly sourceState: SourceState;
  readonly suspendedHere: boolean;
}

/** What became of somebody; under their address now. */
export interface PersonTaken extends Named {
  readonly change: 'added' | 'updated' | 'same';
  /** What changed, for the audit. */
  readonly detail: Readonly<Record<string, unknown>>;
  /** The account's state where it is another one now. */
  readonly state?: AccountState;
  /** What could not be taken over, and what to do about it. */
  readonly problems: readonly string[];
}

/** True for those who live there, and are there. */
export async function isThere(tx: Reader, account: AccountId): Promise<boolean> {
  const state = (await tx.get(SOURCE_STATE, account))?.[0];
  return state !== undefined && state !== 'gone';
}

/** The name somebody has there for good; undefined for one who lives here. */
export async function externalIdOf(tx: Reader, account: AccountId): Promise<string | undefined> {
  return (await tx.get(EXTERNAL_ID, account))?.[0];
}

/** A page of all who live there, by account after `after`; the last page is shorter than PAGE_ROWS. */
export async function knownPeople(tx: Reader, after: number): Promise<KnownPerson[]> {
  return (await tx.all(LIST, after, PAGE_ROWS)).map(knownOf);
}

/**
 * Makes the account of a person, or brings it up to date.
 * @throws Refused `directory.exists` when somebody has the address of a new person, `directory.missing` when its domain is not served
 */
export async function takePerson(tx: Writer, person: OutsidePerson, now: EpochSeconds): Promise<PersonTaken> {
  const row = await tx.get(BY_ID, person.externalId);
  if (row !== undefined) return updatePerson(tx, knownOf(row), person, now);
  const [name] = person.addresses;
  const { displayName, quotaBytes } = person;
  if ((await holderOf(tx, name))?.kind === 'account') {
    throw exists(`The account ${name} is not this person's. If it should be: rainmail ldap adopt ${name}`);
  }
  const domain = parseAddress(name)!.domain;
  const account = await addAccount(
    tx,
    { name, domain, makeDomain: false, displayName, quotaBytes: null, groups: [], password: null },
    now,
  );
  const { id } = account;
  await tx.run(SET_SOURCE, LDAP_SOURCE, person.externalId, 'active', id);
  if (quotaBytes !== undefined) await setRule(tx, 'account', id, quotaBytes);
  const known: KnownPerson = {
    account: id,
    externalId: person.externalId,
    name,
    displayName,
    state: 'active',
    sourceState: 'active',
    suspendedHere: false,
  };
  const { detail, ...taken } = await updatePerson(tx, known, person, now);
  return { ...taken, change: 'added', detail: { ...detail, name: displayName } };
}

async function updatePerson(
  tx: Writer,
  known: KnownPerson,
  person: OutsidePerson,
  now: EpochSeconds,
): Promise<PersonTaken> {
  const { account } = known;
  const detail: Record<string, unknown> = {};
  const problems: string[] = [];
  const name = await takeName(tx, known, person, { detail, problems }, now);
  if (person.displayName !== known.displayName) {
    await setDisplayName(tx, name, person.displayName);
    detail['name'] = person.displayName;
  }
  await takeAliases(tx, { account, name }, person, { detail, problems }, now);
  if (person.quotaBytes !== undefined) {
    const own = (await explainQuota(tx, account)).rules.find(({ scope }) => scope === 'account');
    if (own === undefined || own.bytes !== person.quotaBytes) {
      await setRule(tx, 'account', account, person.quotaBytes);
      detail['quotaBytes'] = person.quotaBytes;
    }
  }
  const state = await takeState(tx, known, person.active ? 'active' : 'disabled');
  if (state !== undefined) detail['state'] = state;
  const change = Object.keys(detail).length > 0 ? 'updated' : 'same';
  return { account, name, change, detail, problems, ...(state === undefined ? {} : { state }) };
}

interface Notes {
  readonly detail: Record<string, unknown>;
  readonly problems: string[];
}

/** @returns the account's address now */
async function takeName(
  tx: Writer,
  { account, name }: KnownPerson,
  { addresses }: OutsidePerson,
  { detail, problems }: Notes,
  now: EpochSeconds,
): Promise<string> {
  if (addresses.includes(name)) return name;
  const [wanted] = addresses;
  if (await isTaken(tx, wanted, account)) {
    problems.push(`${name} is to be ${wanted}, which somebody else has here: change one of the two.`);
    return name;
  }
  await renameAccount(tx, name, parseAddress(wanted)!, { keepOld: true, now });
  detail['before'] = name;
  return wanted;
}

async function takeAliases(
  tx: Writer,
  { account, name }: { readonly account: AccountId; readonly name: string },
  person: OutsidePerson,
  { detail, problems }: Notes,
  now: EpochSeconds,
): Promise<void> {
  const wanted = new Set([...person.addresses, ...person.aliases]);
  wanted.delete(name);
  const there = new Set((await tx.all(ALIASES, account)).map(([address]) => address));
  const removed = [...there].filter((address) => !wanted.has(address));
  for (const address of removed) await removeAlias(tx, address, name);
  const added: string[] = [];
  for (const address of wanted) {
    if (there.has(address)) continue;
    if ((await aliasTargets(tx, address)).some(({ id }) => id === account)) continue; // made here: stays so
    if ((await holderOf(tx, address)) !== undefined) {
      problems.push(`${name} is to have the alias ${address}, which somebody else has here: change one of the two.`);
      continue;
    }
    await addAlias(tx, parseAddress(address)!, name, now);
    await tx.run(MARK_ALIAS, LDAP_SOURCE, address, account);
    added.push(address);
  }
  if (added.length > 0) detail['aliases'] = added;
  if (removed.length > 0) detail['aliasesRemoved'] = removed;
}

async function isTaken(tx: Reader, address: string, account: AccountId): Promise<boolean> {
  if ((await holderOf(tx, address)) === undefined) return false;
  const behind = await aliasTargets(tx, address);
  return !(behind.length === 1 && behind[0]!.id === account && (await aliasOutsiders(tx, address)).length === 0);
}

/** What follows here from what is said there. @returns the account's state when it is another one now */
async function takeState(tx: Writer, known: KnownPerson, said: SourceState): Promise<AccountState | undefined> {
  const { account, state, sourceState, suspendedHere } = known;
  if (said !== sourceState) await tx.run(SET_SOURCE_STATE, said, account);
  const wanted =
    said !== 'active' && state === 'active'
      ? 'suspended'
      : said === 'active' && state === 'suspended' && !suspendedHere
        ? 'active'
        : state;
  if (wanted === state) return undefined;
  await tx.run(SET_STATE, wanted, account);
  return wanted;
}

/** The other directory does not know somebody any more. @returns undefined when it is known already, or they never lived there */
export async function markGone(tx: Writer, externalId: string): Promise<PersonTaken | undefined> {
  const row = await tx.get(BY_ID, externalId);
  if (row === undefined) return undefined;
  const known = knownOf(row);
  if (known.sourceState === 'gone') return undefined;
  const state = await takeState(tx, known, 'gone');
  const { account, name } = known;
  const taken = { account, name, change: 'updated', detail: { gone: true }, problems: [] } as const;
  return state === undefined ? taken : { ...taken, state };
}

/** An account made here becomes that of a person there: its own password is void, its mail stays, and so does a suspension. */
export async function adopt(tx: Writer, account: AccountId, externalId: string): Promise<void> {
  await tx.run(SET_SOURCE, LDAP_SOURCE, externalId, 'active', account);
  await forgetPassword(tx, account);
}

/** Somebody lives here from now on: with all they have, but without a password. @throws Refused `directory.missing` */
export async function release(tx: Writer, name: string): Promise<void> {
  const { id } = await requireAccount(tx, name);
  if ((await externalIdOf(tx, id)) === undefined) throw missing(`${name} lives here already.`);
  await tx.run(SET_SOURCE, null, null, null, id);
  await tx.run(UNMARK_ALIASES, id);
}

function knownOf([account, externalId, name, displayName, state, sourceState, suspendedHere]: KnownRow): KnownPerson {
  return {
    account: account as AccountId,
    externalId,
    name,
    displayName,
    state: state as AccountState,
    sourceState: sourceState as SourceState,
    suspendedHere: suspendedHere === 1,
  };
}
