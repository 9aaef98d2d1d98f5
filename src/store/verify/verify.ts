/**
 * `rainmail verify`: is everything there and as it was written? Checks the database's own structure, the rows of every account against each
 * other, every body against its checksum and SHA-256, and what rows tell of a message against its bytes. Works on a running server; never
 * changes anything.
 */
import { Worker } from 'node:worker_threads';
import type { Segments } from '../bodies/segments.ts';
import { isOfTheFile } from '../damage.ts';
import type { Engine } from '../engine/engine.ts';
import type { AccountId } from '../ids.ts';
import { type BodiesOptions, verifyBodies } from './bodies.ts';
import type { Finding } from './finding.ts';
import { checkSegments } from './segments.ts';
import type { VerifyMessage } from './worker.ts';

export type { Finding };

export interface Verified {
  readonly accounts: number;
  readonly messages: number;
  readonly bodies: number;
  readonly bodyBytes: number;
  readonly findings: readonly Finding[];
  /** There were more findings than are listed. */
  readonly cut: boolean;
}

/** Findings kept: a wholly broken store must not fill the memory. */
const MAX_FINDINGS = 10_000;
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

export interface VerifyOptions extends Pick<BodiesOptions, 'onDamaged' | 'onDiffering' | 'signal'> {
  readonly databasePath: string;
  readonly onProgress?: (progress: {
    readonly accounts: number;
    readonly bodies: number;
    readonly bodyBytes: number;
  }) => void;
  /** Told of each account whose rows are not as they must be. */
  readonly onAccount?: (account: AccountId) => void;
  /** Told what was found of rows, before bodies are read. */
  readonly onRows?: (findings: readonly Finding[]) => void;
}

/** Findings, up to a bound. */
export class FindingList {
  readonly findings: Finding[] = [];
  cut = false;

  readonly add = (found: readonly Finding[]): void => {
    for (const finding of found) {
      if (this.findings.length < MAX_FINDINGS) this.findings.push(finding);
      else this.cut = true;
    }
  };
}

export async function verifyStore(engine: Engine, segments: Segments, options: VerifyOptions): Promise<Verified> {
  const list = new FindingList();
  const { onDamaged, onDiffering, signal } = options;
  const rows = await verifyRows(options.databasePath, list.add, options.onAccount);
  options.onRows?.(list.findings);
  const bodies = { bodies: 0, bodyBytes: 0 };
  try {
    list.add(await engine.read((tx) => checkSegments(tx, segments.list())));
    await verifyBodies(engine, segments, {
      add: list.add,
      onProgress: (progress) => {
        Object.assign(bodies, progress);
        options.onProgress?.({ accounts: rows.accounts, ...progress });
      },
      onDamaged,
      onDiffering,
      signal,
    });
  } catch (error) {
    if (!isOfTheFile(error)) throw error;
    list.add([{ code: 'database', text: `not all messages could be looked at: ${error.message}` }]);
  }
  return { ...rows, ...bodies, findings: list.findings, cut: list.cut };
}

/** The database's own structure, and the rows of every account against each other, in a thread. */
export function verifyRows(
  databasePath: string,
  add: (findings: readonly Finding[]) => void,
  onAccount?: (account: AccountId) => void,
): Promise<{ accounts: number; messages: number }> {
  const worker = new Worker(new URL(`./worker.${extension}`, import.meta.url), { workerData: { databasePath } });
  let accounts = 0;
  let messages = 0;
  return new Promise((resolve, reject) => {
    worker.on('message', (message: VerifyMessage) => {
      if (message.kind === 'done') return resolve({ accounts, messages });
      add(message.findings);
      if (message.kind === 'installation') return;
      accounts++;
      messages += message.messages;
      if (message.findings.length > 0) onAccount?.(message.account);
    });
    worker.on('error', reject);
    worker.on('exit', (code) => reject(new Error(`the verifying thread ended with code ${code}`)));
  });
}
