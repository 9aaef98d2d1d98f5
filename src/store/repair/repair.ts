/**
 * `rainmail verify --repair`: sets right what follows from what is there. It runs beside the server; each step is a transaction, so it may be
 * interrupted and repeated, and a second run finds nothing to do.
 *
 * What it does not do: it makes no bytes up. A body that no segment holds stays damaged: its row stays, that message alone is refused to readers,
 * and the listing says which it is. Nothing is mended while the database's own file is damaged: that is salvaged first (salvage.ts).
 */
import type { OnProgress } from '../../progress.ts';
import type { Segments } from '../bodies/segments.ts';
import type { SqliteEngine } from '../engine/sqlite.ts';
import type { AccountId, EpochSeconds } from '../ids.ts';
import { recordAudit } from '../operations/audit.ts';
import type { StoredBody } from '../operations/recover.ts';
import { rewriteColumns } from '../verify/analysis.ts';
import type { Finding } from '../verify/finding.ts';
import { repairSegments } from '../verify/segments.ts';
import { FindingList, type Verified, verifyRows, verifyStore } from '../verify/verify.ts';
import { repairEntry } from './audit.ts';
import { findElsewhere } from './bodies.ts';

export interface Repaired {
  /** As it was found. */
  readonly found: Verified;
  /** What was done, each where it was done. */
  readonly mended: readonly Finding[];
  /** What is as it was: bytes that only a backup has; or everything, when the database's own file is damaged. */
  readonly left: readonly Finding[];
  /** The database's file must be salvaged before anything else, with no server running. */
  readonly fileDamaged: boolean;
}

export interface RepairOptions {
  readonly databasePath: string;
  /** Who asked, for the audit. */
  readonly actor: string;
  readonly now: EpochSeconds;
  readonly onProgress: OnProgress;
  readonly signal?: AbortSignal;
  /** Rows of the account were changed: what is kept of its folders on disk is of no use any more. */
  readonly onRepaired: (account: AccountId) => Promise<void>;
}

interface Damage {
  readonly stored: StoredBody;
  readonly findings: readonly Finding[];
}

export async function repairStore(engine: SqliteEngine, segments: Segments, options: RepairOptions): Promise<Repaired> {
  const { databasePath, actor, now, onProgress, signal } = options;
  const mended = new FindingList();
  const mend = (findings: readonly Finding[], how: string): void =>
    mended.add(findings.map((finding) => ({ ...finding, text: `${finding.text}: ${how}` })));
  const accounts = new Set<AccountId>();
  const damages: Damage[] = [];
  let fileDamaged = false;

  const found = await verifyStore(engine, segments, {
    databasePath,
    onProgress: ({ bodies }) => onProgress({ what: 'checking', done: bodies, unit: 'bodies' }),
    onRows: (findings) => {
      fileDamaged = findings.some(({ code }) => code === 'database');
    },
    onAccount: (account) => void accounts.add(account),
    onDamaged: (stored, findings) => void damages.push({ stored, findings }),
    onDiffering: async ({ account, email }, findings, analysis) => {
      if (fileDamaged) return;
      await engine.write((tx) => rewriteColumns(tx, account, email, analysis));
      accounts.add(account);
      mend(findings, 'worked out anew');
    },
    ...(signal === undefined ? {} : { signal }),
  });
  fileDamaged ||= found.findings.some(({ code }) => code === 'database');
  if (fileDamaged || found.findings.length === 0) return { found, mended: [], left: found.findings, fileDamaged };

  const healed = await findElsewhere(
    engine,
    segments,
    damages.map(({ stored }) => stored),
    signal,
  );
  for (const { stored, findings } of damages) if (healed.has(stored)) mend(findings, 'found elsewhere');

  mended.add(await engine.writeInWorker<Finding[]>(null, 'repairInstallation', { actor, now }));
  // An account that was only now made again has rows to be mended, too.
  await verifyRows(
    databasePath,
    () => {},
    (account) => accounts.add(account),
  );
  let done = 0;
  for (const account of accounts) {
    signal?.throwIfAborted();
    onProgress({ what: 'mending', done: done++, total: accounts.size, unit: 'accounts' });
    mended.add(await engine.writeInWorker<Finding[]>(account, 'repairAccount', { account, actor, now }));
    await options.onRepaired(account);
  }
  await engine.write(async (tx) => {
    const booked = await repairSegments(tx, segments.list());
    mended.add(booked);
    const rest = [...damages.filter(({ stored }) => healed.has(stored)).flatMap(({ findings }) => findings), ...booked];
    if (rest.length > 0) await recordAudit(tx, repairEntry(actor, 'store', rest), now);
  });

  const left = new FindingList();
  await verifyRows(databasePath, left.add);
  for (const { stored, findings } of damages) if (!healed.has(stored)) left.add(findings);
  return { found, mended: mended.findings, left: left.findings, fileDamaged };
}
