import assert from 'node:assert/strict';
import type { MailboxKey } from '../../src/store/api.ts';
import { flagsFrom } from '../../src/store/flags.ts';
import type { AccountId, Uid } from '../../src/store/ids.ts';
import type { FoundMessage, Offer, RestoreOptions, RetainedFilter } from '../../src/store/retained.ts';
import type { MailStore } from '../../src/store/store.ts';
import { message, stage } from './helpers.ts';

export async function found(
  store: MailStore,
  account: AccountId,
  filter: RetainedFilter = {},
): Promise<FoundMessage[]> {
  return (await Array.fromAsync(store.retained.find(account, filter))).flat();
}

/** Subjects of what is offered, the last removed first. */
export async function offered(
  store: MailStore,
  account: AccountId,
  filter: RetainedFilter = {},
  offer: Offer = {},
): Promise<string[]> {
  const { items } = await store.retained.choose(account, filter, offer);
  return (await found(store, account)).filter(({ item }) => items.includes(item)).map(({ subject }) => subject);
}

export async function restore(
  store: MailStore,
  account: AccountId,
  { filter = {}, offer = {}, ...options }: RestoreOptions & { filter?: RetainedFilter; offer?: Offer } = {},
) {
  return store.retained.restore(account, await store.retained.choose(account, filter, offer), options);
}

export async function assertWhole(store: MailStore): Promise<void> {
  assert.deepEqual((await store.verify()).findings, []);
}

/** So many small messages, filed in batches. */
export async function appendMany(store: MailStore, key: MailboxKey, count: number, size = 0): Promise<Uid[]> {
  const uids: Uid[] = [];
  while (uids.length < count) {
    const batch = Array.from({ length: Math.min(200, count - uids.length) }, (_, index) => `m${uids.length + index}`);
    const messages = await Promise.all(
      batch.map(async (subject) => ({ staged: await stage(store, message(subject, size)), flags: flagsFrom([]) })),
    );
    uids.push(...(await store.append(key, messages)).uids);
  }
  return uids;
}
