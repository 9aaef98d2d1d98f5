/** The twelfth schema: what domains have said of TLS on the way to them (MTA-STS), for as long as they said it holds. */
export const TLS_POLICY_SCHEMA: readonly string[] = [
  // policy: the id that the DNS gave for it. mx: JSON, the patterns of its hosts. fetched, expires: seconds.
  `CREATE TABLE sts_policy (
    domain TEXT NOT NULL PRIMARY KEY,
    policy TEXT NOT NULL,
    mode TEXT NOT NULL,
    mx TEXT NOT NULL,
    fetched INTEGER NOT NULL,
    expires INTEGER NOT NULL
  ) WITHOUT ROWID`,
  'CREATE INDEX sts_policy_expires ON sts_policy (expires)',
];
