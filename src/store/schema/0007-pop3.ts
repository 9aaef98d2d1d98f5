/** The seventh schema: what a POP3 device has had is found wherever it was moved, and back again. */
export const POP3_SCHEMA: readonly string[] = [
  // By its email a message is found in any mailbox. 0: it was elsewhere when this column came, and counts where it was then.
  'ALTER TABLE device_message ADD COLUMN email_id INTEGER NOT NULL DEFAULT 0',
  `UPDATE device_message SET email_id = coalesce(
    (SELECT email_id FROM message m WHERE m.account_id = device_message.account_id AND m.mailbox_id = device_message.mailbox_id
      AND m.uid = device_message.uid), 0)`,
];
