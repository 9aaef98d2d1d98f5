/** Writes mail of accounts into files (src/transfer/export.ts). */
import { join } from 'node:path';
import { z } from 'zod';
import { recordAudit } from '../../directory/audit.ts';
import { Refused } from '../../errors.ts';
import { nowSeconds } from '../../store/ids.ts';
import { type ExportReport, exportAccount } from '../../transfer/export.ts';
import { FORMATS } from '../../transfer/rainmail-index.ts';
import type { Office } from '../office.ts';
import { action, type Run } from './action.ts';

const options = {
  /** Absolute: the server has a working directory of its own. */
  directory: z.string().startsWith('/'),
  format: z.enum(FORMATS),
  crlf: z.boolean().default(false),
  /** Seconds since 1970. */
  since: z.int().optional(),
};

interface Wanted {
  readonly directory: string;
  readonly format: (typeof FORMATS)[number];
  readonly crlf: boolean;
  readonly folder?: string | undefined;
  readonly since?: number | undefined;
}

export const exportMail = action({
  name: 'export',
  input: z.strictObject({ account: z.string(), folder: z.string().optional(), ...options }),

  run: (office, input, run): Promise<ExportReport> => write(office, input.account, input, run),
});

/** Of everybody's mail. */
export interface AllExported {
  readonly accounts: readonly {
    readonly account: string;
    readonly path: string;
    readonly report: ExportReport | null;
    /** Why nothing, or not all, was written. */
    readonly problem: string | null;
  }[];
  readonly interrupted: boolean;
}

export const exportAll = action({
  name: 'export.all',
  input: z.strictObject(options),

  async run(office, input, run): Promise<AllExported> {
    const names: string[] = [];
    for await (const { name } of office.directory.accounts()) names.push(name);
    const accounts: AllExported['accounts'][number][] = [];
    for (const account of names) {
      if (run.signal.aborted) break;
      const path = join(input.directory, directoryName(account));
      try {
        accounts.push({
          account,
          path,
          report: await write(office, account, { ...input, directory: path }, run),
          problem: null,
        });
      } catch (error) {
        // One account's trouble is not the others'; a full disk is.
        if (!(error instanceof Refused) || error.code !== 'export.foreign') throw error;
        accounts.push({ account, path, report: null, problem: error.message });
      }
    }
    return { accounts, interrupted: run.signal.aborted };
  },
});

/** The address, which `rainmail import --all` understands. A local part may hold what a file's name can't. */
function directoryName(address: string): string {
  return address.replaceAll('/', '_').replace(/^\./, '_');
}

async function write(office: Office, name: string, wanted: Wanted, run: Run): Promise<ExportReport> {
  const account = await office.directory.account(name);
  const report = await exportAccount(office.store, account, {
    ...wanted,
    onProgress: run.progress,
    signal: run.signal,
  });
  const { directory, format } = wanted;
  const detail = { directory, format, messages: report.messages, bytes: report.bytes, leftOut: report.skippedCount };
  const entry = { actor: run.actor, action: 'export', subject: account.name, detail };
  await office.store.engine.write((tx) => recordAudit(tx, entry, nowSeconds()));
  return report;
}
