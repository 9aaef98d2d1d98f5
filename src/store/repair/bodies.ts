/**
 * A body that its row does not lead to may stand elsewhere: its record carries the SHA-256 of its content. A flipped bit in the row's address, or
 * a second copy of the same content, then brings it back.
 */
import type { Segments } from '../bodies/segments.ts';
import type { Engine, Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import { emailKey } from '../operations/email-key.ts';
import type { StoredBody } from '../operations/recover.ts';
import type { BodyAddress } from '../types.ts';
import { rewriteColumns } from '../verify/analysis.ts';
import { checkBody } from '../verify/bodies.ts';

const REPOINT = sql(`
  UPDATE email SET segment_id = ?, start = ?, length = ?, stored_length = ?, codec = ? WHERE email_key = ? AND hash = ?`);

/** Looks for the bodies of these rows in all segments, and points the rows at what is found whole. @returns the rows that were healed */
export async function findElsewhere(
  engine: Engine,
  segments: Segments,
  damaged: readonly StoredBody[],
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<StoredBody>> {
  const wanted = new Map<string, StoredBody[]>();
  for (const stored of damaged) {
    const hash = keyOf(stored.address.hash);
    wanted.set(hash, [...(wanted.get(hash) ?? []), stored]);
  }
  const healed = new Set<StoredBody>();
  for (const { id } of segments.list()) {
    if (wanted.size === 0) break;
    signal?.throwIfAborted();
    for await (const record of segments.records(id)) {
      const rows = record.sound ? wanted.get(keyOf(record.hash)) : undefined;
      if (rows === undefined) continue;
      const { offset, length, storedLength, codec, hash } = record;
      const address: BodyAddress = { segment: id, offset, length, storedLength, codec, hash };
      const { analysis } = await checkBody(segments, address);
      if (analysis === undefined) continue;
      await engine.write(async (tx) => {
        for (const row of rows) {
          await repoint(tx, row, address);
          // The row could not be compared with its body before.
          await rewriteColumns(tx, row.account, row.email, analysis);
        }
      });
      for (const row of rows) healed.add(row);
      wanted.delete(keyOf(hash));
    }
  }
  return healed;
}

/** Points a row at a body with the content it names. @returns false when it names another, or is gone */
export async function repoint(
  tx: Writer,
  { account, email }: Pick<StoredBody, 'account' | 'email'>,
  to: BodyAddress,
): Promise<boolean> {
  const key = emailKey(account, email);
  return (await tx.run(REPOINT, to.segment, to.offset, to.length, to.storedLength, to.codec, key, to.hash)) > 0;
}

function keyOf(hash: Uint8Array): string {
  return Buffer.from(hash).toString('base64');
}
