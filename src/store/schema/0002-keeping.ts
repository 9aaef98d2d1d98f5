/**
 * The second schema: what "the server is the backup" needs. The whole directory (catch-all, subaddresses, groups that receive mail, app
 * passwords with their last use, an audit), a legal hold, and where transferred mail came from.
 */
export const KEEPING_SCHEMA: readonly string[] = [
  // ---- directory
  // catch_all: the address that gets what is for nobody else. subaddress: what stands between a name and its detail; empty: no subaddresses.
  'ALTER TABLE domain ADD COLUMN catch_all TEXT',
  "ALTER TABLE domain ADD COLUMN subaddress TEXT NOT NULL DEFAULT '+'",
  // another_name_of: every address here means the same in that domain.
  'ALTER TABLE domain ADD COLUMN another_name_of INTEGER',
  "ALTER TABLE person_group ADD COLUMN description TEXT NOT NULL DEFAULT ''",
  'CREATE UNIQUE INDEX person_group_address ON person_group (address)',
  // Quotas follow from rules now (directory/quotas.ts); account.quota_bytes is what they come to.
  `INSERT INTO policy (policy_id, scope, subject_id, setting, value)
    SELECT account_id, 'account', account_id, 'quota', CAST(quota_bytes AS TEXT) FROM account WHERE quota_bytes IS NOT NULL AND state <> 'removed'`,
  `INSERT INTO counter (name, value) SELECT 'policy', coalesce(max(policy_id), 0) FROM policy`,
  'ALTER TABLE credential ADD COLUMN last_protocol TEXT',
  'ALTER TABLE credential ADD COLUMN last_address TEXT',
  // Who changed what, when; written in the transaction of the change. detail: JSON, never a secret.
  `CREATE TABLE audit (
    audit_id INTEGER NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
  )`,
  'CREATE INDEX audit_at ON audit (at)',
  // Whom an entry concerns: its subject, and others such as the members who joined a group.
  `CREATE TABLE audit_about (
    subject TEXT NOT NULL,
    audit_id INTEGER NOT NULL,
    PRIMARY KEY (subject, audit_id)
  ) WITHOUT ROWID`,
  'CREATE INDEX audit_about_id ON audit_about (audit_id)',

  // ---- mail
  // Since when the account is held, 0: it is not. Nothing that was removed is purged meanwhile, whatever its age and size.
  'ALTER TABLE account ADD COLUMN legal_hold INTEGER NOT NULL DEFAULT 0',
  // Messages that a transfer brought, so that it can be interrupted and repeated. source: which transfer; key: which of its messages; note: what
  // the source last said of it. Forgotten when the transfer is finished for good.
  `CREATE TABLE origin (
    account_id INTEGER NOT NULL,
    source TEXT NOT NULL,
    key TEXT NOT NULL,
    mailbox_id INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (account_id, source, key)
  ) WITHOUT ROWID`,
  // Where undelete puts a message back. mailbox_ids: the folder it was in, after those above it (`7/8/9`), by which it is found when a folder
  // above has another name now. mailbox_role: the folder's special use.
  "ALTER TABLE retained ADD COLUMN mailbox_ids TEXT NOT NULL DEFAULT ''",
  'ALTER TABLE retained ADD COLUMN mailbox_role TEXT',
  // Looked at account by account, so that a held one costs nothing, whatever it keeps.
  'DROP INDEX retained_expires',
  'CREATE INDEX retained_expires ON retained (account_id, expires)',
  // How many bodies somebody asked to purge: the file is rewritten without them at once, however much of it lives.
  'ALTER TABLE segment ADD COLUMN purged INTEGER NOT NULL DEFAULT 0',
  // What a deleted folder's next UID would have been: undelete brings the folder back as itself, and its UIDs go on there. 0: not known.
  'ALTER TABLE mailbox_gone ADD COLUMN uidnext INTEGER NOT NULL DEFAULT 0',
];
