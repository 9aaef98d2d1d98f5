/** Reads every body where its row says it is, and compares what the row tells of it with what its bytes say. */
import { createHash } from 'node:crypto';
import { Refused } from '../../errors.ts';
import { MessageAnalyser } from '../../message/analyser.ts';
import type { MessageAnalysis } from '../../message/analysis.ts';
import type { Segments } from '../bodies/segments.ts';
import { type Engine, PAGE_ROWS } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import { readBodyAddress } from '../operations/emails.ts';
import { bodiesAfter, type StoredBody } from '../operations/recover.ts';
import type { BodyAddress } from '../types.ts';
import { wrongColumns } from './analysis.ts';
import type { Finding } from './finding.ts';

/** Messages named for one body: copies in an account's folders. */
const MOST_NAMED = 100;

const MESSAGES_OF_EMAIL = sql<readonly [account: string, mailbox: number | null, uid: number | null]>(`
  SELECT a.name, m.mailbox_id, m.uid FROM account a
  LEFT JOIN message m ON m.account_id = a.account_id AND m.email_id = ?
  WHERE a.account_id = ? LIMIT ?`);
const FOLDER = sql<readonly [parent: number, name: string]>(
  'SELECT parent_id, name FROM mailbox WHERE account_id = ? AND mailbox_id = ?',
);

export interface BodiesOptions {
  readonly add: (findings: readonly Finding[]) => void;
  readonly onProgress: (progress: { readonly bodies: number; readonly bodyBytes: number }) => void;
  /** Told of each row whose body can't be read, for repairing. */
  readonly onDamaged?: ((stored: StoredBody, findings: readonly Finding[]) => void) | undefined;
  /** Told of each row that differs from what its body says, with what it should say. */
  readonly onDiffering?:
    | ((stored: StoredBody, findings: readonly Finding[], analysis: MessageAnalysis) => Promise<void>)
    | undefined;
  readonly signal?: AbortSignal | undefined;
}

export async function verifyBodies(engine: Engine, segments: Segments, options: BodiesOptions): Promise<void> {
  let bodies = 0;
  let bodyBytes = 0;
  let last: StoredBody | undefined;
  let checked: Checked = {};
  for (;;) {
    const after = last ?? { segment: 0, offset: 0 };
    const page: readonly StoredBody[] = await engine.read((tx) => bodiesAfter(tx, after, PAGE_ROWS));
    for (const stored of page) {
      options.signal?.throwIfAborted();
      // The rows of one record (its recipients) stand together: it is read once.
      if (last === undefined || !isSame(stored.address, last.address)) {
        bodies++;
        bodyBytes += stored.address.length;
        checked = await checkBody(segments, stored.address);
      }
      last = stored;
      if (checked.wrong !== undefined) await findDamaged(engine, stored, checked.wrong, options);
      else if (checked.analysis !== undefined) await compare(engine, stored, checked.analysis, options);
    }
    options.onProgress({ bodies, bodyBytes });
    if (page.length < PAGE_ROWS) return;
  }
}

/** What a body says, or what is wrong with its bytes. */
interface Checked {
  readonly wrong?: string;
  readonly analysis?: MessageAnalysis;
}

/** Reads a body, and compares its bytes with its hash. */
export async function checkBody(segments: Segments, address: BodyAddress): Promise<Checked> {
  const sum = createHash('sha256');
  const analyser = new MessageAnalyser();
  try {
    for await (const chunk of segments.readChunks(address)) {
      sum.update(chunk);
      analyser.push(chunk);
    }
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { wrong: error.code === 'message.gone' ? 'its bytes are missing' : 'its bytes are damaged' };
  }
  if (!sum.digest().equals(address.hash)) return { wrong: 'its bytes are not those that were written' };
  return { analysis: analyser.finish() };
}

async function findDamaged(engine: Engine, stored: StoredBody, wrong: string, options: BodiesOptions): Promise<void> {
  if (await hasMoved(engine, stored)) return;
  const { segment, offset } = stored.address;
  const text = `${wrong} (segment ${segment}, offset ${offset}); a backup may have them`;
  const findings = (await places(engine, stored)).map((place): Finding => ({ ...place, code: 'body', text }));
  options.add(findings);
  options.onDamaged?.(stored, findings);
}

async function compare(
  engine: Engine,
  stored: StoredBody,
  analysis: MessageAnalysis,
  options: BodiesOptions,
): Promise<void> {
  const { account, email } = stored;
  const wrong = await engine.read((tx) => wrongColumns(tx, account, email, analysis));
  if (wrong.length === 0) return;
  const text = `what is kept about it (${wrong.join(', ')}) is not what its bytes say`;
  const findings = (await places(engine, stored)).map((place): Finding => ({ ...place, code: 'analysis', text }));
  options.add(findings);
  await options.onDiffering?.(stored, findings, analysis);
}

function isSame(a: BodyAddress, b: BodyAddress): boolean {
  return (
    a.segment === b.segment &&
    a.offset === b.offset &&
    a.length === b.length &&
    a.storedLength === b.storedLength &&
    a.codec === b.codec &&
    Buffer.compare(a.hash, b.hash) === 0
  );
}

/** Purged, or moved by compaction, since its row was read. A body that moved is met again at its new place. */
async function hasMoved(engine: Engine, { account, email, address }: StoredBody): Promise<boolean> {
  const now = await engine.read((tx) => readBodyAddress(tx, account, email));
  return now === undefined || now.segment !== address.segment || now.offset !== address.offset;
}

/** Where somebody sees it: every folder of the account that has it. */
function places(engine: Engine, { account, email }: StoredBody): Promise<Omit<Finding, 'code' | 'text'>[]> {
  return engine.read(async (tx) => {
    const found: Omit<Finding, 'code' | 'text'>[] = [];
    for (const [name, mailbox, uid] of await tx.all(MESSAGES_OF_EMAIL, email, account, MOST_NAMED)) {
      if (mailbox === null || uid === null) {
        found.push({ account: name, mailbox: '(removed)' });
        continue;
      }
      const names: string[] = [];
      for (let at = mailbox; at !== 0 && names.length < 60; ) {
        const row = await tx.get(FOLDER, account, at);
        names.unshift(row?.[1] ?? `(folder ${at})`);
        at = row?.[0] ?? 0;
      }
      found.push({ account: name, mailbox: names.join('/'), uid });
    }
    return found.length > 0 ? found : [{}];
  });
}
