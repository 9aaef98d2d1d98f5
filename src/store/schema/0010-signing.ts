/** The tenth schema: the keys that outgoing mail is signed with (RFC 6376). */
export const SIGNING_SCHEMA: readonly string[] = [
  // A key is of a name in the DNS, not of a domain here: when the domain gets another name, the records under the old one stay what they are.
  // state: waiting (until the DNS shows its record), signing, retired. since: of the state. private_key: PEM; empty once it is retired.
  // public_key: as in the record's p=.
  `CREATE TABLE dkim_key (
    domain TEXT NOT NULL,
    selector TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    state TEXT NOT NULL,
    created INTEGER NOT NULL,
    since INTEGER NOT NULL,
    public_key TEXT NOT NULL,
    private_key TEXT NOT NULL,
    PRIMARY KEY (domain, selector)
  ) WITHOUT ROWID`,
];
