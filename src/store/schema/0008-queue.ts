/** The eighth schema: mail that is to leave this server. The tables that the first one had for it were never written to. */
export const QUEUE_SCHEMA: readonly string[] = [
  'DROP TABLE attempt',
  'DROP TABLE queue',
  // A message on its way out. Its bytes are an email of the account it leaves for: that of its sender's Sent copy, or one in no mailbox.
  // prefix: header lines that stand before them when it is sent. options: JSON, what the sender asked of every hop (SMTPUTF8, REQUIRETLS, DSN). warn:
  // when its sender is told that it takes long; 0: never, or done.
  `CREATE TABLE queue_message (
    queue_id INTEGER NOT NULL PRIMARY KEY,
    account_id INTEGER NOT NULL,
    email_id INTEGER NOT NULL,
    sender TEXT NOT NULL,
    prefix BLOB NOT NULL,
    options TEXT NOT NULL,
    created INTEGER NOT NULL,
    warn INTEGER NOT NULL,
    expires INTEGER NOT NULL
  )`,
  'CREATE INDEX queue_message_expires ON queue_message (expires)',
  'CREATE INDEX queue_message_warn ON queue_message (warn) WHERE warn > 0',
  'CREATE INDEX queue_message_email ON queue_message (account_id, email_id)',
  // Who has not got it yet; the row goes with the last word on it. destination: what attempts and connections are shared by. state: waiting or
  // held. attempts: those made. notify, original: RFC 3461.
  `CREATE TABLE queue_recipient (
    queue_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    address TEXT NOT NULL,
    destination TEXT NOT NULL,
    state TEXT NOT NULL,
    priority INTEGER NOT NULL,
    due INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    notify TEXT NOT NULL,
    original TEXT NOT NULL,
    reply TEXT NOT NULL,
    PRIMARY KEY (queue_id, number)
  ) WITHOUT ROWID`,
  'CREATE INDEX queue_recipient_due ON queue_recipient (destination, state, priority, due, queue_id)',
  // One row for each destination that somebody waits for: when it is tried next. So a destination that can't be reached is put off as a whole,
  // however much waits for it, and finding what is due costs the same whatever waits.
  `CREATE TABLE queue_destination (
    destination TEXT NOT NULL PRIMARY KEY,
    due INTEGER NOT NULL,
    failures INTEGER NOT NULL
  ) WITHOUT ROWID`,
  'CREATE INDEX queue_destination_due ON queue_destination (due)',
];
