/** The third schema: copies of what was sent, filed by the server or by a client, so that there is one of each in the end. */
export const SENT_SCHEMA: readonly string[] = [
  // Kept for a day; a row is taken when the other side's copy of the same message comes.
  `CREATE TABLE sent_copy (
    account_id INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    item_id INTEGER NOT NULL,
    mailbox_id INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    by_server INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (account_id, message_id, sender, item_id)
  ) WITHOUT ROWID`,
  'CREATE INDEX sent_copy_at ON sent_copy (at)',
];
