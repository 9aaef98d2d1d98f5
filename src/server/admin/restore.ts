/** Restoring mail of one account from a backup, and looking at what a backup has of it, while the server runs. */
import { z } from 'zod';
import { RepositoryKey } from '../../backup/repository/key.ts';
import { Repository, type Wanted } from '../../backup/repository/repository.ts';
import { type BackedUpAccount, BackedUpStore } from '../../backup/restore/backed-up-store.ts';
import { type MailRestored, restoreMail as restoreIt } from '../../backup/restore/mail.ts';
import { foldersOf, isEverything, recordsOf, type Selection, selected } from '../../backup/restore/selection.ts';
import { readBackupSettings } from '../../backup/settings.ts';
import { Refused } from '../../errors.ts';
import { flagNames } from '../../store/flags.ts';
import { recordAudit } from '../../store/operations/audit.ts';
import { splitKeywords } from '../../store/operations/message-row.ts';
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
  }),
  async run(office, { account: name, folder, query, messageId, beside, ...from }, run): Promise<AccountMailRestored> {
    const account = await office.directory.account(name);
    return fromBackup(office, 'restore mail', from, run, async (backup) => {
      const read = readFrom(backup);
      const selection = { folder, query, messageId };
      const copies = beside === true ? folderOf(read) : beside;
      const restored = await restoreIt(
        { store: office.store, account: account.id, backup, source: await backup.account(account.name) },
        { ...selection, beside: copies, onProgress: run.progress, signal: run.signal },
      );
      const { restored: put, undeleted, there } = restored;
      const detail = { backup: read.backup, ...selection, beside: copies, restored: put, undeleted, there };
      const entry = { actor: run.actor, action: 'restore.mail', subject: account.name, detail };
      await office.store.engine.write((tx) => recordAudit(tx, entry, Math.floor(Date.now() / 1_000)));
      return { account: account.name, ...read, ...restored, stopped: run.signal.aborted };
    });
  },
});

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
      const account = await backup.account(name.trim().toLowerCase());
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
