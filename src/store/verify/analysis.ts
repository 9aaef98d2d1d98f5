/** Is what a row tells of a message what its bytes say? SQLite's pages have no checksums; a body has, so it can vouch for most of its row. */
import { ANALYSIS_FORMAT, type MessageAnalysis } from '../../message/analysis.ts';
import { envelopeBehind } from '../../message/envelope-text.ts';
import { serializeParts } from '../../message/stored-parts.ts';
import type { Reader, Writer } from '../engine/engine.ts';
import { sql, type Value } from '../engine/sql.ts';
import type { AccountId, EmailId } from '../ids.ts';
import { emailKey } from '../operations/email-key.ts';

/** Columns that follow from the bytes, each with its value. */
const COLUMNS: readonly (readonly [column: string, value: (analysis: MessageAnalysis, prefix: Uint8Array) => Value])[] =
  [
    ['sent', ({ sent }) => sent],
    ['has_attachment', ({ hasAttachment }) => (hasAttachment ? 1 : 0)],
    ['message_id', ({ messageId }) => messageId],
    ['in_reply_to', ({ inReplyTo }) => inReplyTo.join('\n')],
    ['refs', ({ references }) => references.join('\n')],
    ['subject', ({ subject }) => subject],
    ['base_subject', ({ baseSubject }) => baseSubject],
    ['sort_from', ({ sortFrom }) => sortFrom],
    ['sort_to', ({ sortTo }) => sortTo],
    ['sort_cc', ({ sortCc }) => sortCc],
    ['display_from', ({ displayFrom }) => displayFrom],
    ['display_to', ({ displayTo }) => displayTo],
    ['preview', ({ preview }) => preview],
    ['envelope', ({ envelope }, prefix) => envelopeBehind(prefix, envelope)],
    ['body_structure', ({ bodyStructure }) => bodyStructure],
    ['parts', ({ root }) => serializeParts(root)],
  ];

const READ = sql<readonly [format: number, prefix: Uint8Array, ...Value[]]>(
  `SELECT format, prefix, ${COLUMNS.map(([column]) => column).join(', ')} FROM email WHERE email_key = ?`,
);
const PREFIX = sql<readonly [prefix: Uint8Array]>('SELECT prefix FROM email WHERE email_key = ?');
const WRITE = sql(
  `UPDATE email SET format = ?, ${COLUMNS.map(([column]) => `${column} = ?`).join(', ')} WHERE email_key = ?`,
);

/** @returns the columns that are not as the analysis has them; none for a row that an older version wrote, or that is gone */
export async function wrongColumns(
  tx: Reader,
  account: AccountId,
  email: EmailId,
  analysis: MessageAnalysis,
): Promise<string[]> {
  const row = await tx.get(READ, emailKey(account, email));
  if (row === undefined || row[0] < ANALYSIS_FORMAT) return [];
  const [format, prefix, ...values] = row;
  const wrong = COLUMNS.filter(([, value], index) => wellFormed(value(analysis, prefix)) !== values[index]).map(
    ([column]) => column,
  );
  return format === ANALYSIS_FORMAT ? wrong : ['format', ...wrong];
}

/** Writes what the analysis says into the row. */
export async function rewriteColumns(
  tx: Writer,
  account: AccountId,
  email: EmailId,
  analysis: MessageAnalysis,
): Promise<void> {
  const key = emailKey(account, email);
  const [prefix] = (await tx.get(PREFIX, key)) ?? [];
  if (prefix === undefined) return; // purged meanwhile
  await tx.run(WRITE, ANALYSIS_FORMAT, ...COLUMNS.map(([, value]) => value(analysis, prefix)), key);
}

/** As UTF-8 keeps it. */
function wellFormed(value: Value): Value {
  return typeof value === 'string' ? value.toWellFormed() : value;
}
