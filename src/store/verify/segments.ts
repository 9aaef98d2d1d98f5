/** The bookkeeping of dead space: what sweeping believes must be possible. That it is an estimate is no finding. */
import type { SegmentInfo } from '../bodies/segments.ts';
import type { Reader, Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { Finding } from './finding.ts';

const BOOKED = sql<readonly [segment: number, deadBytes: number]>('SELECT segment_id, dead_bytes FROM segment');
const SET_DEAD = sql('UPDATE segment SET dead_bytes = ? WHERE segment_id = ?');

export function checkSegments(tx: Reader, segments: readonly SegmentInfo[]): Promise<readonly Finding[]> {
  return inspect(tx, segments, null);
}

/** Half of such a segment is taken for dead: sweeping then looks at what really lives. @returns what was mended */
export function repairSegments(tx: Writer, segments: readonly SegmentInfo[]): Promise<readonly Finding[]> {
  return inspect(tx, segments, tx);
}

async function inspect(
  tx: Reader,
  segments: readonly SegmentInfo[],
  writer: Writer | null,
): Promise<readonly Finding[]> {
  const known = new Map(segments.map(({ id, bytes }) => [id, bytes]));
  const findings: Finding[] = [];
  for (const [id, deadBytes] of await tx.all(BOOKED)) {
    const bytes = known.get(id);
    // A file that is gone is forgotten by housekeeping.
    if (bytes === undefined || (deadBytes >= 0 && deadBytes <= bytes)) continue;
    const text = `segment ${id} of ${bytes} bytes is said to hold ${deadBytes} dead ones`;
    findings.push({ code: 'segment', text: writer === null ? text : `${text}: estimated anew` });
    await writer?.run(SET_DEAD, Math.floor(bytes / 2), id);
  }
  return findings;
}
