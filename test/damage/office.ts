/** An office to be damaged, and what its people see of it: in this process, since hundreds of copies of it are opened. */
import { cp, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { perform } from '../../src/cli/perform.ts';
import { Refused } from '../../src/errors.ts';
import { importAccounts } from '../../src/server/admin/import-accounts.ts';
import { type Office, openOffice } from '../../src/server/office.ts';
import { flagNames, flagsFrom } from '../../src/store/flags.ts';
import type { AccountId, Uid } from '../../src/store/ids.ts';
import { INBOX } from '../../src/store/operations/mailboxes.ts';
import type { Recovered } from '../../src/store/recovery.ts';
import type { Mailbox } from '../../src/store/types.ts';
import { isWhole, messageOf, newToken, type Token, tokenOf } from '../crash/messages.ts';

const PEOPLE = ['anna', 'ben', 'carla'] as const;
const address = (name: string): string => `${name}@office.test`;

/** What somebody sees of one message. */
export interface Sight {
  readonly account: string;
  readonly mailbox: string;
  readonly uid: number;
  /** What its bytes are; or why they are not given. */
  readonly token: Token | Refused;
  readonly flags: string;
}

/** Everything an office showed; `errors` are requests that failed by a fault that is no refusal. */
export interface Sights {
  readonly messages: readonly Sight[];
  readonly errors: readonly unknown[];
  /** What opening it told. */
  readonly recovered: Recovered;
}

export interface Made {
  readonly clean: string;
  readonly killed: string;
  /** `address token` of every message that somebody ever had. */
  readonly own: ReadonlySet<string>;
}

/**
 * Makes an office with three people, in several runs so that it has several segments. `clean` is its data directory after an end in order, `killed`
 * as a killed server leaves it, with the last run in the log.
 */
export async function makeOffice(folder: string): Promise<Made> {
  const data = join(folder, 'original');
  const [clean, killed] = [join(folder, 'clean'), join(folder, 'killed')];
  const own = new Set<string>();
  for (const run of [1, 2, 3]) {
    if (run === 1) {
      const rows = PEOPLE.map((name) => `${address(name)},pears and plums,${name},`);
      await perform(importAccounts, { text: rows.join('\n') }, { data, json: true });
    }
    const office = await openOffice({ data, create: false, command: 'test' });
    await useOffice(office, run, own);
    if (run === 3) await keep(data, killed);
    await office.close();
  }
  await keep(data, clean);
  return { clean, killed, own };
}

async function useOffice({ store, directory }: Office, run: number, own: Set<string>): Promise<void> {
  const accounts: AccountId[] = [];
  for (const name of PEOPLE) accounts.push((await directory.account(address(name))).id);
  const take = async (bytes: number, ...people: readonly string[]) => {
    const token = newToken(bytes);
    for (const name of people) own.add(`${address(name)} ${token}`);
    const stage = store.stage(1e8);
    await stage.write(Buffer.from(messageOf(token)));
    return stage.finish();
  };
  for (let number = 0; number < 8; number++) {
    const prefix = Buffer.from(`Return-Path: <${run}.${number}@example.org>\r\n`);
    await store.deliver(
      await take(300 + run * 1000 + number * 37, ...PEOPLE),
      accounts.map((account) => ({ account, prefix })),
    );
  }
  for (const [index, account] of accounts.entries()) {
    const folder =
      run === 1
        ? await store.mailboxes.create(account, 'Work/Plans')
        : (await store.mailboxes.list(account)).find(({ path }) => path === 'Work/Plans')!;
    const flags = flagsFrom(['\\Seen', '$Forwarded', `run-${run}`]);
    const bytes = 5_000 + run * 100 + index;
    await store.append({ account, mailbox: folder.id }, [
      { staged: await take(bytes, PEOPLE[index]!), flags, uidl: `uidl-${run}-${index}` },
    ]);
    await store.append({ account, mailbox: INBOX }, [
      { staged: await take(200 + bytes, PEOPLE[index]!), flags: flagsFrom(['\\Flagged']) },
    ]);
    const inbox = await store.view({ account, mailbox: INBOX });
    await store.messages.expunge({ account, mailbox: INBOX }, [inbox.uid(0)]);
    await store.messages.move({ account, mailbox: INBOX }, [inbox.uid(1)], { account, mailbox: folder.id });
    await store.messages.storeFlags({ account, mailbox: INBOX }, [inbox.uid(2) as Uid], {
      how: 'add',
      flags: flagsFrom(['\\Answered']),
    });
  }
  await store.append({ account: accounts[0]!, mailbox: INBOX }, [
    { staged: await take(1_300_000 + run, PEOPLE[0]), flags: flagsFrom([]) },
  ]);
}

async function keep(from: string, to: string): Promise<void> {
  await mkdir(to);
  await cp(from, to, { recursive: true, filter: (path) => !/\/(reserve|mail\.db-shm)$/.test(path) });
}

/** Opens a data directory as the server does, looks at everything, and closes it. @throws Refused when it is not opened */
export async function look(data: string): Promise<Sights> {
  const office = await openOffice({ data, create: false, command: 'test' });
  const messages: Sight[] = [];
  const errors: unknown[] = [];
  try {
    for (const account of await accountsOf(office, errors)) {
      for (const mailbox of await attempt(() => office.store.mailboxes.list(account.id), [], errors)) {
        if (mailbox.selectable) await lookInto(office, account.name, mailbox, messages, errors);
      }
    }
  } finally {
    await office.close();
  }
  return { messages, errors, recovered: office.store.recovered };
}

async function accountsOf({ directory }: Office, errors: unknown[]): Promise<{ id: AccountId; name: string }[]> {
  const found: { id: AccountId; name: string }[] = [];
  try {
    for await (const { id, name } of directory.accounts()) found.push({ id, name });
  } catch (error) {
    errors.push(error);
  }
  return found;
}

async function lookInto(
  { store }: Office,
  account: string,
  mailbox: Mailbox,
  messages: Sight[],
  errors: unknown[],
): Promise<void> {
  const key = { account: mailbox.account, mailbox: mailbox.id };
  const view = await attempt(() => store.view(key), undefined, errors);
  for (let index = 0; view !== undefined && index < view.length; index++) {
    const { uid, email, flags } = view.entry(index);
    const token = await attempt(
      async () => {
        const [record] = await store.emails(key.account, [email]);
        if (record === undefined) return new Refused('message.gone', 'its row is gone');
        const chunks: Buffer[] = [record.prefix];
        try {
          for await (const chunk of store.bodies.chunks(key.account, email, record.body)) chunks.push(chunk);
        } catch (error) {
          if (error instanceof Refused) return error;
          throw error;
        }
        return identify(Buffer.concat(chunks).toString('latin1'));
      },
      undefined,
      errors,
    );
    if (token !== undefined)
      messages.push({ account, mailbox: mailbox.path, uid, token, flags: flagNames(flags).join(' ') });
  }
}

/** The message's own name for itself; bytes that are not what it says are told by another. */
function identify(text: string): Token {
  return isWhole(text) ? tokenOf(text) : `other bytes: ${JSON.stringify(text.slice(0, 60))}`;
}

async function attempt<T>(ask: () => Promise<T>, otherwise: T, errors: unknown[]): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    errors.push(error);
    return otherwise;
  }
}

/** Messages of a folder of loose files. */
export async function tokensIn(folder: string, read: (path: string) => Promise<Buffer>): Promise<Set<Token>> {
  const tokens = new Set<Token>();
  for (const name of await readdir(folder).catch(() => []))
    tokens.add(identify((await read(join(folder, name))).toString('latin1')));
  return tokens;
}
