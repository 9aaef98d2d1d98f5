/** The keys that mail is signed with. What each action does is told in signing/keyring.ts. */
import { z } from 'zod';
import type { DkimKey, KeyState } from '../../signing/key.ts';
import { recordName, recordText } from '../../signing/key.ts';
import { goesAt } from '../../signing/keyring.ts';
import { action } from './action.ts';
import { servedDomain, signingOf } from './zone.ts';

/** One key, for people and programs. Moments are ISO 8601. */
export interface KeyShown {
  readonly domain: string;
  readonly selector: string;
  readonly algorithm: string;
  readonly state: KeyState;
  readonly created: string;
  /** Since when it is in this state. */
  readonly since: string;
  /** When the record of a key that signs no more may go; null: it is needed. */
  readonly recordUntil: string | null;
  /** The record that shows it. */
  readonly record: { readonly name: string; readonly text: string };
}

export interface KeySeen extends KeyShown {
  /** What the DNS says: it shows the key, or does not, or nobody could say (null). */
  readonly shown: boolean | null;
  /** What is wrong with the record, or why nobody could say; empty: nothing. */
  readonly fault: string;
}

export const listKeys = action({
  name: 'dkim.list',
  input: z.strictObject({
    /** Null: all domains. */
    domain: z.string().nullable(),
  }),
  async run(office, { domain }): Promise<KeyShown[]> {
    const { keyring } = signingOf(office);
    const domains = domain === null ? await office.directory.domains() : [servedDomain(domain)];
    const keys: DkimKey[] = [];
    for (const one of domains) keys.push(...(await keyring.keys(one)));
    return keys.map(shown);
  },
});

export const showKeys = action({
  name: 'dkim.show',
  input: z.strictObject({ domain: z.string() }),
  async run(office, { domain }): Promise<KeySeen[]> {
    const seen = await signingOf(office).keyring.look(servedDomain(domain));
    return seen.map(({ key, ...found }) => ({ ...shown(key), ...found }));
  },
});

export const rotateKeys = action({
  name: 'dkim.rotate',
  input: z.strictObject({
    domain: z.string(),
    /** The new keys sign at once, seen or not. */
    force: z.boolean(),
  }),
  async run(office, { domain, force }, { actor }): Promise<KeyShown[]> {
    return (await signingOf(office).keyring.rotate(servedDomain(domain), { force }, actor)).map(shown);
  },
});

function shown(key: DkimKey): KeyShown {
  const { domain, selector, algorithm, state, created, since } = key;
  const goes = goesAt(key);
  return {
    domain,
    selector,
    algorithm,
    state,
    created: iso(created),
    since: iso(since),
    recordUntil: goes === null ? null : iso(goes),
    record: { name: recordName(key), text: recordText(key) },
  };
}

function iso(seconds: number): string {
  return new Date(seconds * 1_000).toISOString();
}
