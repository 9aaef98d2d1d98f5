/** The fourth schema: what each POP3 device of a person has had, so that none suffers from what another deletes. */
export const DEVICE_SCHEMA: readonly string[] = [
  // A credential that has signed in over POP3. start: messages received before are not shown to it. shared: when two programs were seen to use
  // it at once; 0: never.
  `CREATE TABLE device (
    account_id INTEGER NOT NULL,
    credential_id INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    start INTEGER NOT NULL DEFAULT 0,
    shared INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, credential_id)
  ) WITHOUT ROWID`,
  // When a device retrieved a message, and when it let it go by DELE and QUIT; 0: not yet. Where the message was then.
  `CREATE TABLE device_message (
    account_id INTEGER NOT NULL,
    item_id INTEGER NOT NULL,
    credential_id INTEGER NOT NULL,
    mailbox_id INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    fetched INTEGER NOT NULL,
    let_go INTEGER NOT NULL,
    PRIMARY KEY (account_id, item_id, credential_id)
  ) WITHOUT ROWID`,
  'CREATE INDEX device_let_go ON device_message (account_id, credential_id, item_id) WHERE let_go > 0',
];
