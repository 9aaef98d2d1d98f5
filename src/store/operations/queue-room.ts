/** Mail that waits in the queue for room in somebody's mailbox. */
import type { Reader } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import { type AccountId, type EpochSeconds, nowSeconds } from '../ids.ts';
import type { Outbound } from '../types.ts';
import { emailKeyOf } from './email-key.ts';

/** What a small message counts for: its rows, and trying it, cost something too. */
const LEAST_BYTES = 64 << 10;

// The options are JSON that was written here (types.ts, `forRoom`): a quote within one of their texts has a backslash before it.
const WAITING = sql<readonly [bytes: number]>(`
  SELECT coalesce(sum(CASE WHEN e.length < ${LEAST_BYTES} THEN ${LEAST_BYTES} ELSE e.length END), 0)
  FROM queue_message m JOIN email e ON e.email_key = ${emailKeyOf('m')}
  WHERE m.account_id = ? AND m.options LIKE '%"forRoom":{%' AND m.expires > ?`);

/** How much waits for room in the mailbox of an account: bytes, each message with 64 KB at least. */
export async function bytesForRoom(tx: Reader, account: AccountId): Promise<number> {
  return (await tx.get(WAITING, account, nowSeconds()))![0];
}

/** Since when a recipient waits for a server. What waits for a person to make room is late for nobody who looks after this one, before its time is over. */
export function sinceOf({ options, expires }: Outbound, due: EpochSeconds): EpochSeconds {
  return options?.forRoom === undefined ? due : expires;
}
