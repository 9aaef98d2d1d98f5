/**
 * `rainmail verify`: is everything there and as it was written? Checks the database's own structure, the rows of every account against each
 * other, and every body against its checksum and SHA-256. Works on a running server; never changes anything.
 */
import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { Refused } from '../../errors.ts';
import type { Segments } from '../bodies/segments.ts';
import { type Engine, PAGE_ROWS } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import { readBodyAddress } from '../operations/emails.ts';
import { bodiesAfter, type StoredBody } from '../operations/recover.ts';
import type { Finding } from './metadata.ts';
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

const MESSAGE_OF_EMAIL = sql<readonly [account: string, mailbox: string | null, uid: number | null]>(`
  SELECT a.name, x.name, m.uid FROM account a
  LEFT JOIN message m ON m.account_id = a.account_id AND m.email_id = ?
  LEFT JOIN mailbox x ON x.account_id = m.account_id AND x.mailbox_id = m.mailbox_id
  WHERE a.account_id = ? LIMIT 1`);

export interface VerifyOptions {
  readonly databasePath: string;
  readonly onProgress?: (progress: {
    readonly accounts: number;
    readonly bodies: number;
    readonly bodyBytes: number;
  }) => void;
}

/** @throws what the database throws when it can't be read at all */
export async function verifyStore(engine: Engine, segments: Segments, options: VerifyOptions): Promise<Verified> {
  const findings: Finding[] = [];
  let cut = false;
  const add = (found: readonly Finding[]): void => {
    for (const finding of found) {
      if (findings.length < MAX_FINDINGS) findings.push(finding);
      else cut = true;
    }
  };
  const rows = await verifyRows(options.databasePath, add);
  const bodies = await verifyBodies(engine, segments, add, (progress) =>
    options.onProgress?.({ accounts: rows.accounts, ...progress }),
  );
  return { ...rows, ...bodies, findings, cut };
}

/** The database's own structure, and the rows of every account against each other, in a thread. */
export function verifyRows(
  databasePath: string,
  add: (findings: readonly Finding[]) => void,
): Promise<{ accounts: number; messages: number }> {
  const worker = new Worker(new URL(`./worker.${extension}`, import.meta.url), { workerData: { databasePath } });
  let accounts = -1; // the first message is the database's own check
  let messages = 0;
  return new Promise((resolve, reject) => {
    worker.on('message', (message: VerifyMessage) => {
      if (message.kind === 'done') resolve({ accounts, messages });
      else {
        accounts++;
        messages += message.messages;
        add(message.findings);
      }
    });
    worker.on('error', reject);
    worker.on('exit', (code) => reject(new Error(`the verifying thread ended with code ${code}`)));
  });
}

/** Reads every body where its row says it is; several rows of one record (its recipients) are read once. */
async function verifyBodies(
  engine: Engine,
  segments: Segments,
  add: (findings: readonly Finding[]) => void,
  onProgress: (progress: { bodies: number; bodyBytes: number }) => void,
): Promise<{ bodies: number; bodyBytes: number }> {
  let bodies = 0;
  let bodyBytes = 0;
  let last: StoredBody | undefined;
  for (;;) {
    const after = last ?? { segment: 0, offset: 0 };
    const page: readonly StoredBody[] = await engine.read((tx) => bodiesAfter(tx, after, PAGE_ROWS));
    for (const stored of page) {
      const same = stored.address.segment === last?.address.segment && stored.address.offset === last.address.offset;
      if (!same) {
        bodies++;
        bodyBytes += stored.address.length;
        const wrong = await checkBody(engine, segments, stored);
        if (wrong !== undefined) add([await describe(engine, stored, wrong)]);
      }
      last = stored;
    }
    onProgress({ bodies, bodyBytes });
    if (page.length < PAGE_ROWS) return { bodies, bodyBytes };
  }
}

/** @returns what is wrong, or undefined */
async function checkBody(engine: Engine, segments: Segments, stored: StoredBody): Promise<string | undefined> {
  const { address } = stored;
  const sum = createHash('sha256');
  try {
    for await (const chunk of segments.readChunks(address)) sum.update(chunk);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return (await hasMoved(engine, stored)) ? undefined : error.message;
  }
  return sum.digest().equals(address.hash) ? undefined : 'its bytes are not those that were written';
}

/** Purged, or moved by compaction, since its row was read. A body that moved is met again at its new place. */
async function hasMoved(engine: Engine, { account, email, address }: StoredBody): Promise<boolean> {
  const now = await engine.read((tx) => readBodyAddress(tx, account, email));
  return now === undefined || now.segment !== address.segment || now.offset !== address.offset;
}

async function describe(engine: Engine, { account, email, address }: StoredBody, wrong: string): Promise<Finding> {
  const [name, mailbox, uid] = (await engine.read(async (tx) => tx.get(MESSAGE_OF_EMAIL, email, account))) ?? [];
  return {
    ...(name === undefined ? {} : { account: name }),
    ...(mailbox === undefined || mailbox === null ? {} : { mailbox }),
    ...(uid === undefined || uid === null ? {} : { uid }),
    code: 'body',
    text: `${wrong} (segment ${address.segment}, offset ${address.offset})`,
  };
}
