/**
 * The first schema: every table of the store's design (docs/decisions/0001-one-database.md).
 *
 * Portable SQL: SQLite runs it as it stands, PostgreSQL after {@link toPostgres}. Tables of mail lead with account_id and are
 * clustered by their key (WITHOUT ROWID). The exceptions, which belong to the installation and not to one account: meta, migration, counter,
 * domain, person_group, membership, alias, policy, queue, attempt, trace, segment.
 *
 * Times are seconds since 1970. `modseq` orders the changes of one account.
 */
export const FIRST_SCHEMA: readonly string[] = [
  `CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
  ) WITHOUT ROWID`,
  // Numbers that only rise: the next id of each kind that does not belong to an account.
  `CREATE TABLE counter (
    name TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
  ) WITHOUT ROWID`,

  // ---- directory
  `CREATE TABLE domain (
    domain_id INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL
  )`,
  // A person signs in; the account keeps the mail. One to one, except that shared accounts have no person.
  `CREATE TABLE person (
    person_id INTEGER NOT NULL PRIMARY KEY,
    account_id INTEGER NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    scram_salt BLOB,
    scram_iterations INTEGER,
    created INTEGER NOT NULL
  )`,
  `CREATE TABLE person_group (
    group_id INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    address TEXT,
    created INTEGER NOT NULL
  )`,
  `CREATE TABLE membership (
    group_id INTEGER NOT NULL,
    person_id INTEGER NOT NULL,
    PRIMARY KEY (group_id, person_id)
  ) WITHOUT ROWID`,
  `CREATE INDEX membership_person ON membership (person_id)`,
  `CREATE TABLE alias (
    address TEXT NOT NULL,
    account_id INTEGER NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (address, account_id)
  ) WITHOUT ROWID`,
  `CREATE INDEX alias_account ON alias (account_id)`,
  `CREATE TABLE credential (
    account_id INTEGER NOT NULL,
    credential_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    label TEXT NOT NULL,
    hash TEXT,
    scram_stored_key BLOB,
    scram_server_key BLOB,
    protocols TEXT,
    created INTEGER NOT NULL,
    last_used INTEGER,
    PRIMARY KEY (account_id, credential_id)
  ) WITHOUT ROWID`,
  `CREATE TABLE policy (
    policy_id INTEGER NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    subject_id INTEGER NOT NULL,
    setting TEXT NOT NULL,
    value TEXT NOT NULL,
    UNIQUE (scope, subject_id, setting)
  )`,

  // ---- mail
  // min_modseq: tombstones up to it were pruned; a client that knows less starts afresh.
  `CREATE TABLE account (
    account_id INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    modseq INTEGER NOT NULL,
    min_modseq INTEGER NOT NULL,
    next_id INTEGER NOT NULL,
    next_uidvalidity INTEGER NOT NULL,
    used_bytes INTEGER NOT NULL,
    used_count INTEGER NOT NULL,
    retained_bytes INTEGER NOT NULL,
    retained_count INTEGER NOT NULL,
    quota_bytes INTEGER,
    created INTEGER NOT NULL
  )`,
  `CREATE TABLE mailbox (
    account_id INTEGER NOT NULL,
    mailbox_id INTEGER NOT NULL,
    parent_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    role TEXT,
    subscribed INTEGER NOT NULL,
    selectable INTEGER NOT NULL,
    uidvalidity INTEGER NOT NULL,
    uidnext INTEGER NOT NULL,
    recent_uid INTEGER NOT NULL,
    created_modseq INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    total INTEGER NOT NULL,
    unseen INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    PRIMARY KEY (account_id, mailbox_id)
  ) WITHOUT ROWID`,
  `CREATE UNIQUE INDEX mailbox_name ON mailbox (account_id, parent_id, name)`,
  // Subscriptions to names that no mailbox has (RFC 9051 6.3.7).
  `CREATE TABLE subscription (
    account_id INTEGER NOT NULL,
    path TEXT NOT NULL,
    PRIMARY KEY (account_id, path)
  ) WITHOUT ROWID`,
  // Immutable, but for where the body stands, which compaction changes: the content of a message as delivered to this account, and what was
  // worked out about it. `length` is the body's, without the prefix. A table with one integer as its key
  // (operations/email-key.ts), since SQLite keeps rows of up to 4 KB whole in such a table, and spills what is above 1 KB in one WITHOUT ROWID.
  `CREATE TABLE email (
    email_key INTEGER NOT NULL PRIMARY KEY,
    account_id INTEGER NOT NULL,
    email_id INTEGER NOT NULL,
    thread_id INTEGER NOT NULL,
    format INTEGER NOT NULL,
    segment_id INTEGER NOT NULL,
    start INTEGER NOT NULL,
    length INTEGER NOT NULL,
    stored_length INTEGER NOT NULL,
    codec INTEGER NOT NULL,
    hash BLOB NOT NULL,
    received INTEGER NOT NULL,
    sent INTEGER,
    has_attachment INTEGER NOT NULL,
    prefix BLOB NOT NULL,
    message_id TEXT,
    in_reply_to TEXT NOT NULL,
    refs TEXT NOT NULL,
    subject TEXT NOT NULL,
    base_subject TEXT NOT NULL,
    sort_from TEXT NOT NULL,
    sort_to TEXT NOT NULL,
    sort_cc TEXT NOT NULL,
    display_from TEXT NOT NULL,
    display_to TEXT NOT NULL,
    preview TEXT NOT NULL,
    envelope TEXT NOT NULL,
    body_structure TEXT NOT NULL,
    parts TEXT NOT NULL
  )`,
  `CREATE INDEX email_segment ON email (segment_id, start)`,
  // One message in one mailbox. Narrow: a change of flags touches this row alone.
  `CREATE TABLE message (
    account_id INTEGER NOT NULL,
    mailbox_id INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    item_id INTEGER NOT NULL,
    email_id INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    keywords TEXT,
    size INTEGER NOT NULL,
    received INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    saved INTEGER NOT NULL,
    uidl TEXT,
    PRIMARY KEY (account_id, mailbox_id, uid)
  ) WITHOUT ROWID`,
  `CREATE INDEX message_modseq ON message (account_id, modseq)`,
  `CREATE INDEX message_email ON message (account_id, email_id)`,
  // How much of a segment no row points at any more: what sweeping looks at first.
  `CREATE TABLE segment (
    segment_id INTEGER NOT NULL PRIMARY KEY,
    dead_bytes INTEGER NOT NULL
  )`,
  // Tombstones.
  `CREATE TABLE expunged (
    account_id INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    mailbox_id INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    email_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (account_id, modseq, mailbox_id, uid)
  ) WITHOUT ROWID`,
  `CREATE TABLE mailbox_gone (
    account_id INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    mailbox_id INTEGER NOT NULL,
    uidvalidity INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (account_id, modseq, mailbox_id)
  ) WITHOUT ROWID`,
  // Removed from its mailbox, restorable until a date.
  `CREATE TABLE retained (
    account_id INTEGER NOT NULL,
    item_id INTEGER NOT NULL,
    email_id INTEGER NOT NULL,
    mailbox_id INTEGER NOT NULL,
    mailbox_path TEXT NOT NULL,
    uid INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    keywords TEXT,
    size INTEGER NOT NULL,
    received INTEGER NOT NULL,
    saved INTEGER NOT NULL,
    uidl TEXT,
    removed INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (account_id, item_id)
  ) WITHOUT ROWID`,
  `CREATE INDEX retained_expires ON retained (expires, account_id)`,
  `CREATE INDEX retained_removed ON retained (account_id, removed)`,
  `CREATE INDEX retained_email ON retained (account_id, email_id)`,
  // ref: 48 bits of a hash of Message-ID and base subject.
  `CREATE TABLE thread_ref (
    account_id INTEGER NOT NULL,
    ref INTEGER NOT NULL,
    thread_id INTEGER NOT NULL,
    PRIMARY KEY (account_id, ref)
  ) WITHOUT ROWID`,
  // \Seen of other people in a shared mailbox, as ranges of UIDs.
  `CREATE TABLE person_seen (
    account_id INTEGER NOT NULL,
    mailbox_id INTEGER NOT NULL,
    person_id INTEGER NOT NULL,
    uids TEXT NOT NULL,
    modseq INTEGER NOT NULL,
    unseen INTEGER NOT NULL,
    PRIMARY KEY (account_id, mailbox_id, person_id)
  ) WITHOUT ROWID`,
  `CREATE TABLE acl (
    account_id INTEGER NOT NULL,
    mailbox_id INTEGER NOT NULL,
    grantee TEXT NOT NULL,
    rights TEXT NOT NULL,
    PRIMARY KEY (account_id, mailbox_id, grantee)
  ) WITHOUT ROWID`,

  // ---- outbound queue, trace of every message, ledger of use
  `CREATE TABLE queue (
    queue_id INTEGER NOT NULL PRIMARY KEY,
    account_id INTEGER NOT NULL,
    segment_id INTEGER NOT NULL,
    start INTEGER NOT NULL,
    length INTEGER NOT NULL,
    stored_length INTEGER NOT NULL,
    codec INTEGER NOT NULL,
    hash BLOB NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    state TEXT NOT NULL,
    priority INTEGER NOT NULL,
    due INTEGER NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    options TEXT NOT NULL
  )`,
  `CREATE INDEX queue_due ON queue (state, due)`,
  `CREATE TABLE attempt (
    queue_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    peer TEXT NOT NULL,
    outcome TEXT NOT NULL,
    reply TEXT NOT NULL,
    PRIMARY KEY (queue_id, number)
  ) WITHOUT ROWID`,
  `CREATE TABLE trace (
    trace_id INTEGER NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    account_id INTEGER,
    event TEXT NOT NULL,
    sender TEXT,
    recipient TEXT,
    message_id TEXT,
    queue_id INTEGER,
    detail TEXT NOT NULL
  )`,
  `CREATE INDEX trace_at ON trace (at)`,
  `CREATE TABLE ledger (
    account_id INTEGER NOT NULL,
    day INTEGER NOT NULL,
    protocol TEXT NOT NULL,
    device TEXT NOT NULL,
    sessions INTEGER NOT NULL,
    commands INTEGER NOT NULL,
    bytes_in INTEGER NOT NULL,
    bytes_out INTEGER NOT NULL,
    cpu_us INTEGER NOT NULL,
    PRIMARY KEY (account_id, day, protocol, device)
  ) WITHOUT ROWID`,
];
