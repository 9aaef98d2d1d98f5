/** The thirteenth schema: since when mail that should leave has waited, whatever waits beside it. */
export const WAITING_SCHEMA: readonly string[] = [
  // since: when it was to leave first, or was let go on.
  'ALTER TABLE queue_recipient ADD COLUMN since INTEGER NOT NULL DEFAULT 0',
  `UPDATE queue_recipient SET since = CASE WHEN attempts = 0 THEN due ELSE
    coalesce((SELECT created FROM queue_message m WHERE m.queue_id = queue_recipient.queue_id), due) END`,
  // The first of it tells, in no time: what is held is not in it, and what is for later stands at its end.
  "CREATE INDEX queue_recipient_since ON queue_recipient (since) WHERE state = 'waiting'",
];
