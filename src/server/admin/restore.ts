/** Restoring mail of one account from a backup, and looking at what a backup has of it, while the server runs. */
import { z } from 'zod';
import { RepositoryKey } from '../../backup/repository/key.ts';
import { Repository, type Wanted } from '../../backup/repository/repository.ts';
import { type BackedUpAccount, BackedUpStore } from '../../backup/restore/backed-up-store.ts';
import {
  type MailRestored,
  type MailRestoreOptions,
  restoreMail as restoreIt,
  sourceFor,
} from '../../backup/restore/mail.ts';
import { foldersOf, isEverything, recordsOf, type Selection, selected } from '../../backup/restore/selection.ts';
import { readBackupSettings } from '../../backup/settings.ts';
import { readFormer } from '../../directory/former-account.ts';
import { canonicalAddress } from '../../directory/rules.ts';
import type { Account } from '../../directory/types.ts';
import { Refused } from '../../errors.ts';
import { flagNames } from '../../store/flags.ts';
import { nowSeconds } from '../../store/ids.ts';
import { recordAudit } from '../../store/operations/audit.ts';
import { splitKeywords } from '../../store/operations/message-row.ts';
import { getMeta } from '../../store/operations/meta.ts';
import type { Office } from '../office.ts';
import { action, type Run } from './action.ts';

const source = {
  /** Absolute; null: the repository of this office's own backups. */
  repository: z.string().startsWith('/').nullable(),
  key: z.string().nullable(),
  /** Which backup: its id, or the newest of this time (seconds since 1970) or before; neither: the newest. */
  backup: z.string().nullable(),
  asOf: z.number().int().nullable(),
};
type Source = z.infer<z.ZodObject<typeof source>>;

const which = {
  account: z.string(),
  folder: z.string().optional(),
  query: z.string().optional(),
  messageId: z.string().optional(),
};

/** Which backup was read. */
export interface BackupRead {
  readonly backup: string;
  /** ISO 8601: of when it is. */
  readonly taken: string;
}

export interface AccountMailRestored extends MailRestored, BackupRead {
  readonly account: string;
  /** It was stopped before its end: the same command goes on. */
  readonly stopped: boolean;
}

export const restoreMail = action({
  name: 'restore.mail',
  input: z.strictObject({
    ...source,
    ...which,
    /** A folder to put copies into; true: one named after the backup. Absent: everything goes where it was. */
    beside: z.union([z.string().min(1), z.literal(true)]).optional(),
    overQuota: z.boolean().optional(),
  }),
  async run(
    office,
    { account: name, folder, query, messageId, beside, overQuota, ...from },
    run,
  ): Promise<AccountMailRestored> {
    const account = await office.directory.account(name);
    return fromBackup(office, 'restore mail', from, run, (backup) => {
      const copies = beside === true ? folderOf(readFrom(backup)) : beside;
      return mailOf(office, account, backup, { folder, query, messageId, beside: copies, overQuota }, run);
    });
  },
});

export const restoreAccount = action({
  name: 'restore.account',
  input: z.strictObject({ ...source, account: z.string() }),
  async run(office, { account: text, ...from }, run): Promise<AccountMailRestored> {
    const name = canonicalAddress(text);
    return fromBackup(office, 'restore account', from, run, async (backup) => {
      await assertSameOffice(office, backup);
      await backup.account(name);
      // Its number is free when the last of its mail is gone.
      await office.store.housekeep();
      const former = await readFormer(backup.tx, name);
      const account = await office.directory.by(run.actor).accounts.bringBack(former!, backup.info);
      return mailOf(office, account, backup, { overQuota: true }, run);
    });
  },
});

async function mailOf(
  { store }: Office,
  account: Account,
  backup: BackedUpStore,
  options: Omit<MailRestoreOptions, 'onProgress' | 'signal'>,
  { actor, progress: onProgress, signal }: Run,
): Promise<AccountMailRestored> {
  const source = await sourceFor(store, backup, account);
  const audit = (outcome: Readonly<Record<string, unknown>>): Promise<void> => {
    const detail = { backup: backup.info.id, ...options, ...outcome };
    const entry = { actor, action: 'restore.mail', subject: account.name, detail };
    return store.engine.write((tx) => recordAudit(tx, entry, nowSeconds()));
  };
  let done: MailRestored;
  try {
    const by = { via: 'admin', device: actor } as const;
    done = await restoreIt({ store, account: account.id, backup, source, by }, { ...options, onProgress, signal });
  } catch (error) {
    await audit({ failed: error instanceof Refused ? error.code : 'internal' }); // what was restored till then stays
    throw error;
  }
  const { restored, undeleted, there } = done;
  await audit({ restored, undeleted, there });
  return { account: account.name, ...readFrom(backup), ...done, stopped: signal.aborted };
}

/** Only the office that gave an account its number knows that nobody else has it. */
async function assertSameOffice({ store }: Office, backup: BackedUpStore): Promise<void> {
  const secret = await store.engine.read((tx) => getMeta(tx, 'auth.secret'));
  if (secret === (await backup.secret())) return;
  throw new Refused(
    'restore.other-account',
    'This backup is of another office. Add the account here (rainmail account add), then: rainmail restore mail --beside',
  );
}

/** A message of a backup as it is listed. */
export interface BackedUpMessage {
  readonly folder: string;
  /** ISO 8601. */
  readonly date: string;
  readonly from: string;
  readonly subject: string;
  readonly size: number;
  readonly flags: readonly string[];
  readonly messageId: string | null;
}

export interface BackedUpListed extends BackupRead {
  readonly account: string;
  readonly messages: number;
  readonly folders: readonly {
    readonly path: string;
    readonly messages: number;
    readonly unseen: number;
    readonly bytes: number;
  }[];
  /** Only when a folder, words or a Message-ID were given; at most as many as were asked for. */
  readonly found: readonly BackedUpMessage[];
  readonly foundCount: number;
}

export const listBackedUp = action({
  name: 'restore.list',
  input: z.strictObject({ ...source, ...which, limit: z.number().int().min(1).max(1_000_000) }),
  async run(office, { account: name, folder, query, messageId, limit, ...from }, run): Promise<BackedUpListed> {
    return fromBackup(office, 'restore list', from, run, async (backup) => {
      const account = await accountIn(office, backup, canonicalAddress(name));
      const selection = { folder, query, messageId };
      const folders = (await foldersOf(backup, account, folder)).filter(({ selectable }) => selectable);
      const { found, foundCount } = isEverything(selection)
        ? { found: [], foundCount: 0 }
        : await messagesOf(backup, account, selection, limit, run.signal);
      return {
        account: name,
        ...readFrom(backup),
        messages: account.messages,
        folders: folders.map(({ path, total, unseen, sizeBytes }) => ({
          path,
          messages: total,
          unseen,
          bytes: sizeBytes,
        })),
        found,
        foundCount,
      };
    });
  },
});

/** The account may be there, perhaps under another name than at the backup, or removed. */
async function accountIn({ directory, store }: Office, backup: BackedUpStore, name: string): Promise<BackedUpAccount> {
  try {
    return await sourceFor(store, backup, await directory.account(name));
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== 'directory.missing') throw error;
    return backup.account(name);
  }
}

async function messagesOf(
  backup: BackedUpStore,
  account: BackedUpAccount,
  selection: Selection,
  limit: number,
  signal: AbortSignal,
): Promise<{ found: BackedUpMessage[]; foundCount: number }> {
  const found: BackedUpMessage[] = [];
  let foundCount = 0;
  for await (const { mailbox, rows } of selected(backup, account, selection)) {
    if (signal.aborted) break;
    foundCount += rows.length;
    const shown = rows.slice(0, Math.max(0, limit - found.length));
    const records = new Map(
      (await recordsOf(backup, account, shown)).map((record) => [record.email as number, record]),
    );
    for (const [, , email, bits, keywords, size, received] of shown) {
      const analysis = records.get(email)?.analysis;
      found.push({
        folder: mailbox.path,
        date: new Date(received * 1_000).toISOString(),
        from: analysis?.displayFrom ?? '',
        subject: analysis?.subject ?? '',
        size,
        flags: flagNames({ bits, keywords: splitKeywords(keywords) }),
        messageId: analysis?.messageId ?? null,
      });
    }
  }
  return { found, foundCount };
}

/** Opens the backup that is meant, and closes it again. */
async function fromBackup<T>(
  { data }: Office,
  command: string,
  input: Source,
  { progress, signal }: Run,
  work: (backup: BackedUpStore) => Promise<T>,
): Promise<T> {
  const { repository: directory, key } = await repositoryOf(data, input);
  const repository = await Repository.open(directory, key, { command });
  try {
    const backup = await BackedUpStore.open(await repository.snapshot(wanted(input)), data, { progress, signal });
    try {
      return await work(backup);
    } finally {
      await backup.close();
    }
  } finally {
    repository.close();
  }
}

async function repositoryOf(
  data: string,
  { repository, key }: Source,
): Promise<{ repository: string; key: RepositoryKey }> {
  const own = await readBackupSettings(data);
  if (repository === null || repository === own?.repository) {
    if (own !== undefined) return own;
    throw new Refused('backup.missing', 'This office makes no backups. Name a repository: --from FOLDER.');
  }
  if (key === null)
    throw new Refused('backup.key', `The repository ${repository} is not this office's own: give its key.`);
  return { repository, key: RepositoryKey.parse(key) };
}

export function wanted({ backup, asOf }: Pick<Source, 'backup' | 'asOf'>): Wanted {
  if (backup !== null) return { id: backup };
  return asOf === null ? 'latest' : { asOf };
}

/** `Restored 2026-11-20 14.30`, by the clock here; a colon is no part of a file's name in some mail programs. */
function folderOf({ taken }: BackupRead): string {
  return `Restored ${new Date(taken).toLocaleString('sv-SE').slice(0, 16).replace(':', '.')}`;
}

function readFrom({ info: { id, taken } }: BackedUpStore): BackupRead {
  return { backup: id, taken: new Date(taken * 1_000).toISOString() };
}
