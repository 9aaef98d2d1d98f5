/**
 * Which conversation a message belongs to (RFC 8621 3): it shares a Message-ID, In-Reply-To or Reference with an earlier message
 * and has the same base subject. So the key is a hash of both, and a reply with a new subject starts a new thread.
 */
import { hash } from 'node:crypto';
import type { MessageAnalysis } from '../../message/analysis.ts';
import type { Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { AccountId, ThreadId } from '../ids.ts';

/** References looked at: a conversation is found by its near ends; a bound on what a sender can make us do. */
const MAX_REFS = 12;

const FIND = sql<readonly [thread: number]>('SELECT thread_id FROM thread_ref WHERE account_id = ? AND ref = ?');
const INSERT = sql(`
  INSERT INTO thread_ref (account_id, ref, thread_id) VALUES (?, ?, ?) ON CONFLICT (account_id, ref) DO NOTHING`);

/** The keys of a message, the own one first. Empty when it has no ids at all: then it is a thread of its own. */
export function threadRefs(
  analysis: Pick<MessageAnalysis, 'messageId' | 'inReplyTo' | 'references' | 'baseSubject'>,
): readonly number[] {
  const ids = new Set<string>();
  if (analysis.messageId !== null) ids.add(analysis.messageId);
  for (const id of analysis.inReplyTo) if (ids.size < MAX_REFS) ids.add(id);
  for (let at = analysis.references.length - 1; at >= 0 && ids.size < MAX_REFS; at--) ids.add(analysis.references[at]!);
  const refs: number[] = [];
  for (const id of ids) refs.push(Number.parseInt(hash('sha256', `${id}\0${analysis.baseSubject}`).slice(0, 12), 16));
  return refs;
}

/** Finds the thread of a message, or makes `own` it. Every ref then leads there. */
export async function joinThread(
  tx: Writer,
  account: AccountId,
  refs: readonly number[],
  own: ThreadId,
): Promise<ThreadId> {
  let thread: ThreadId | undefined;
  const missing: number[] = [];
  for (const ref of refs) {
    const row = await tx.get(FIND, account, ref);
    if (row === undefined) missing.push(ref);
    else thread ??= row[0] as ThreadId;
  }
  thread ??= own;
  for (const ref of missing) await tx.run(INSERT, account, ref, thread);
  return thread;
}
