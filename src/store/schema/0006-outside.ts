/** The sixth schema: people and groups that live in another directory (LDAP), and what of them comes from there. */
export const OUTSIDE_SCHEMA: readonly string[] = [
  // source: which directory the person lives in; NULL: this one. external_id: what they are known by there, for good. source_state: what it
  // last said of them: active, disabled or gone. suspended_here: an administrator suspended the account, whatever the source says.
  'ALTER TABLE person ADD COLUMN source TEXT',
  'ALTER TABLE person ADD COLUMN external_id TEXT',
  'ALTER TABLE person ADD COLUMN source_state TEXT',
  'ALTER TABLE person ADD COLUMN suspended_here INTEGER NOT NULL DEFAULT 0',
  "UPDATE person SET suspended_here = 1 WHERE account_id IN (SELECT account_id FROM account WHERE state = 'suspended')",
  'CREATE UNIQUE INDEX person_external ON person (external_id)',
  // A group of which the other directory says who is in it. One that is gone there keeps its external_id, without a source.
  'ALTER TABLE person_group ADD COLUMN source TEXT',
  'ALTER TABLE person_group ADD COLUMN external_id TEXT',
  'CREATE UNIQUE INDEX person_group_external ON person_group (external_id)',
  // NULL: the alias was made here.
  'ALTER TABLE alias ADD COLUMN source TEXT',
];
