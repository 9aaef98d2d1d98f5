/** Brings mail from files into accounts (src/transfer). */
import { z } from 'zod';
import { recordAudit } from '../../directory/audit.ts';
import { Refused } from '../../errors.ts';
import { nowSeconds } from '../../store/ids.ts';
import type { Mailbox } from '../../store/types.ts';
import { destinations } from '../../transfer/destinations.ts';
import { findSources } from '../../transfer/find-sources.ts';
import { type ImportReport, importSources } from '../../transfer/import.ts';
import type { Sources } from '../../transfer/source.ts';
import { findTrees } from '../../transfer/trees.ts';
import { isUidlFormat } from '../../uidl-format.ts';
import type { Office } from '../office.ts';
import { action, type Run } from './action.ts';

/** Absolute: the server has a working directory of its own. */
const absolute = z.string().startsWith('/');

const options = {
  /** Where all of it goes: this mailbox, and folders below it. Absent: INBOX, and folders beside it. */
  folder: z.string().optional(),
  uidlFormat: z.string().refine(isUidlFormat, 'a format has %u or %f, and may have %v: such as %08Xu%08Xv').optional(),
  /** Bring again what was brought before. */
  again: z.boolean().default(false),
};

export const importMail = action({
  name: 'import',
  input: z.strictObject({ account: z.string(), path: absolute, ...options }),

  async run(office, input, run): Promise<ImportReport> {
    return bring(office, input.account, input.path, input, run);
  },
});

/** What an import would do. */
export interface ImportPlan {
  readonly folders: readonly {
    readonly folder: string;
    readonly mailbox: string;
    readonly kind: 'maildir' | 'mbox' | 'eml';
    /** Null where only reading them would tell. */
    readonly messages: number | null;
    readonly bytes: number;
  }[];
  readonly skipped: Sources['leftOut'];
}

export const planImport = action({
  name: 'import.plan',
  input: z.strictObject({ account: z.string(), path: absolute, folder: z.string().optional() }),

  async run(office, { account, path, folder }): Promise<ImportPlan> {
    const { id } = await office.directory.account(account);
    return plan(await findSources(path), await office.store.mailboxes.list(id), folder);
  },
});

function plan(sources: Sources, mailboxes: readonly Mailbox[], top: string | undefined): ImportPlan {
  const places = destinations(sources.folders, mailboxes, top);
  const folders = sources.folders.map(({ name, kind, messages, bytes }, index) => {
    return { folder: name, mailbox: places[index]!.path, kind, messages, bytes };
  });
  return { folders, skipped: sources.leftOut };
}

/** Of a tree of many people's mail. */
export interface TreeImported {
  readonly accounts: readonly {
    readonly account: string;
    readonly path: string;
    readonly report: ImportReport | null;
    /** Why nothing, or not all, was brought. */
    readonly problem: string | null;
  }[];
  /** Directories that belong to no account. */
  readonly unknown: readonly { readonly path: string; readonly address: string }[];
  readonly interrupted: boolean;
}

export const importTree = action({
  name: 'import.all',
  input: z.strictObject({ path: absolute, check: z.boolean().default(false), ...options }),

  async run(office, input, run): Promise<TreeImported> {
    const accounts: TreeImported['accounts'][number][] = [];
    const unknown: TreeImported['unknown'][number][] = [];
    for (const { address, path } of await findTrees(input.path)) {
      if (run.signal.aborted) break;
      const account = await nameOf(office, address);
      if (account === null) {
        unknown.push({ path, address });
        continue;
      }
      try {
        if (input.check) await findSources(path);
        const report = input.check ? null : await bring(office, account, path, input, run);
        accounts.push({ account, path, report, problem: null });
      } catch (error) {
        // One account's trouble (it is full, its directory holds no mail) is not the others'.
        if (!(error instanceof Refused) || error.code === 'store.failed') throw error;
        accounts.push({ account, path, report: null, problem: error.message });
      }
    }
    return { accounts, unknown, interrupted: run.signal.aborted };
  },
});

/** The account of an address; null when there is none. */
async function nameOf(office: Office, address: string): Promise<string | null> {
  try {
    return (await office.directory.account(address)).name;
  } catch (error) {
    if (error instanceof Refused && (error.code === 'directory.missing' || error.code === 'directory.invalid'))
      return null;
    throw error;
  }
}

interface Wanted {
  readonly folder?: string | undefined;
  readonly uidlFormat?: string | undefined;
  readonly again: boolean;
}

async function bring(office: Office, name: string, path: string, wanted: Wanted, run: Run): Promise<ImportReport> {
  const account = await office.directory.account(name);
  const report = await importSources(office.store, account.id, await findSources(path), {
    top: wanted.folder,
    uidlFormat: wanted.uidlFormat ?? null,
    again: wanted.again,
    onProgress: run.progress,
    signal: run.signal,
  });
  const { messages, bytes, skippedCount } = report;
  const detail = { path, messages, bytes, leftOut: skippedCount, ...(wanted.again ? { again: true } : {}) };
  const entry = { actor: run.actor, action: 'import', subject: name, detail };
  await office.store.engine.write((tx) => recordAudit(tx, entry, nowSeconds()));
  return report;
}
