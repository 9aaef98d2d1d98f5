/** The fifth schema: what the access policy needs. Its settings are rows of `policy`, as quotas are. */
export const POLICY_SCHEMA: readonly string[] = [
  // Of two groups of a person the one with the lower rank counts.
  'ALTER TABLE person_group ADD COLUMN rank INTEGER NOT NULL DEFAULT 100',
  // `administrator`; empty: none of that.
  "ALTER TABLE person ADD COLUMN role TEXT NOT NULL DEFAULT ''",
  "CREATE INDEX person_role ON person (role, account_id) WHERE role <> ''",
];
