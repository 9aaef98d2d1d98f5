/** A store in a folder of its own, and the words tests about mail are told in. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { MailboxKey } from '../../src/store/api.ts';
import { flagsFrom } from '../../src/store/flags.ts';
import type { AccountId, MailboxId, Uid } from '../../src/store/ids.ts';
import { createAccount } from '../../src/store/operations/accounts.ts';
import { INBOX } from '../../src/store/operations/mailboxes.ts';
import { MailStore, type StoreOptions } from '../../src/store/store.ts';
import type { Delivered, DeliveryTarget, StagedMessage } from '../../src/store/types.ts';
import { defer } from '../helpers/defer.ts';

export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rainmail-store-'));
  defer(t, () => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Opens a store; closed at the end of the test (a store that a test closed itself may be closed again). */
export async function openStore(
  t: TestContext,
  directory: string,
  options: Partial<StoreOptions> = {},
): Promise<MailStore> {
  const store = await MailStore.open({ directory, command: 'test', ...options });
  defer(t, () => store.close());
  return store;
}

export async function temporaryStore(t: TestContext, options: Partial<StoreOptions> = {}): Promise<MailStore> {
  return openStore(t, await temporaryFolder(t), options);
}

export function newAccount(store: MailStore, name: string, quotaBytes: number | null = null): Promise<AccountId> {
  return store.engine.write((tx) => createAccount(tx, { name: `${name}@office.test`, quotaBytes, now: 1_700_000_000 }));
}

export function inboxOf(account: AccountId): MailboxKey {
  return { account, mailbox: INBOX };
}

export async function mailboxNamed(store: MailStore, account: AccountId, path: string): Promise<MailboxKey> {
  const found = (await store.mailboxes.list(account)).find((mailbox) => mailbox.path === path);
  if (found === undefined) throw new Error(`no mailbox ${path}`);
  return { account, mailbox: found.id satisfies MailboxId };
}

/** A small message with this subject; the same subject gives the same bytes. */
export function message(subject: string, size = 0): Buffer {
  const text = `From: Ben <ben@office.test>\r\nTo: Anna <anna@office.test>\r\nSubject: ${subject}\r\nMessage-ID: <${subject}@office.test>\r\n\r\nHello.\r\n`;
  return Buffer.from(text + 'x'.repeat(Math.max(0, size - text.length)));
}

export async function stage(store: MailStore, bytes: Buffer): Promise<StagedMessage> {
  const staging = store.stage(1e9);
  for (let from = 0; from < bytes.length; from += 65_536) await staging.write(bytes.subarray(from, from + 65_536));
  return staging.finish();
}

export async function deliver(
  store: MailStore,
  to: AccountId | readonly AccountId[],
  subject: string,
  target: Partial<DeliveryTarget> = {},
): Promise<Delivered> {
  const accounts = typeof to === 'number' ? [to] : to;
  const staged = await stage(store, message(subject));
  const prefix = Buffer.from('Return-Path: <ben@office.test>\r\n');
  const {
    outcomes: [first],
  } = await store.deliver(
    staged,
    accounts.map((account) => ({ account, prefix, ...target })),
  );
  if (first instanceof Error) throw first;
  assert.ok(first !== undefined && 'uid' in first);
  return first;
}

export async function appendTo(
  store: MailStore,
  key: MailboxKey,
  subject: string,
  flags: readonly string[] = [],
): Promise<Uid> {
  const { uids } = await store.append(key, [{ staged: await stage(store, message(subject)), flags: flagsFrom(flags) }]);
  return uids[0]!;
}

/** UIDs in a mailbox as its view has them. */
export async function uidsIn(store: MailStore, key: MailboxKey): Promise<number[]> {
  const view = await store.view(key);
  return Array.from({ length: view.length }, (_, index) => view.uid(index));
}

/** The whole bytes of a message, with its trace lines. */
export async function bytesOf(store: MailStore, key: MailboxKey, uid: number): Promise<Buffer> {
  const view = await store.view(key);
  const [record] = await store.emails(key.account, [view.email(view.indexOf(uid))]);
  const chunks: Buffer[] = [record!.prefix];
  for await (const chunk of store.bodies.chunks(key.account, record!.email, record!.body)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Bytes of all segments. */
export async function diskUse(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(join(folder, 'segments')))
    bytes += (await stat(join(folder, 'segments', name))).size;
  return bytes;
}
