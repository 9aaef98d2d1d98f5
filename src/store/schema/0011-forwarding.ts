/** The eleventh schema: mail that goes on to other addresses, and who may post to a group. */
export const FORWARDING_SCHEMA: readonly string[] = [
  // An account that forwards its mail; keeps: 1 when it keeps a copy. Where to, is in forwarding_target: addresses here or elsewhere.
  `CREATE TABLE forwarding (
    account_id INTEGER NOT NULL PRIMARY KEY,
    keeps INTEGER NOT NULL,
    created INTEGER NOT NULL
  )`,
  `CREATE TABLE forwarding_target (
    account_id INTEGER NOT NULL,
    address TEXT NOT NULL,
    PRIMARY KEY (account_id, address)
  ) WITHOUT ROWID`,
  'CREATE INDEX forwarding_target_address ON forwarding_target (address)',
  // Where an alias leads besides accounts: addresses elsewhere.
  `CREATE TABLE alias_outsider (
    address TEXT NOT NULL,
    target TEXT NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (address, target)
  ) WITHOUT ROWID`,
  // Who is in a group besides people here: addresses elsewhere.
  `CREATE TABLE group_outsider (
    group_id INTEGER NOT NULL,
    address TEXT NOT NULL,
    PRIMARY KEY (group_id, address)
  ) WITHOUT ROWID`,
  // Who may post to a group: anyone, members, people (all who are here), named. Those in group_poster may in any case.
  "ALTER TABLE person_group ADD COLUMN posting TEXT NOT NULL DEFAULT 'anyone'",
  `CREATE TABLE group_poster (
    group_id INTEGER NOT NULL,
    address TEXT NOT NULL,
    PRIMARY KEY (group_id, address)
  ) WITHOUT ROWID`,
];
