import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { flagsFrom } from '../../src/store/flags.ts';
import { exportAccount } from '../../src/transfer/export.ts';
import { emptyFolder } from '../helpers/folder.ts';
import { output } from '../helpers/office.ts';
import { needsTool } from '../helpers/tools.ts';
import { inboxOf, newAccount, stage, temporaryStore } from '../store/helpers.ts';

const BODIES = [
  'Hello.\r\n',
  'From here\r\n>From there\r\n',
  'dots\r\n.\r\n..\r\n',
  '\r\n\r\nFrom a@b Tue Mar  3 09:15:00 2026\r\n',
];
const FLAGS = [[], ['\\Seen'], ['\\Flagged', '\\Answered', '\\Seen'], ['\\Draft', '\\Deleted']];

for (const format of ['maildir', 'mbox'] as const) {
  test(`Python’s mailbox module reads an exported ${format}`, async (t) => {
    const python = needsTool(t, 'python3');
    if (python === undefined) return;
    const store = await temporaryStore(t);
    const account = await newAccount(store, 'anna');
    for (const [index, body] of BODIES.entries()) {
      const staged = await stage(store, Buffer.from(`Subject: ${index}\r\n\r\n${body}`));
      const received = 1_600_000_000 + index;
      await store.append(inboxOf(account), [{ staged, flags: flagsFrom(FLAGS[index]!), received }]);
    }
    const directory = join(await emptyFolder(t), 'out');
    await exportAccount(
      store,
      { id: account, name: 'anna@office.test' },
      { directory, format, crlf: false, onProgress() {}, signal: new AbortController().signal },
    );
    const path = format === 'maildir' ? directory : join(directory, 'INBOX.mbox');
    const text = await output(python, [join(import.meta.dirname, 'read-mailbox.py'), format, path]);
    const read = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    // An mbox's From lines are quoted, and Python leaves them so.
    const quoted = (body: string) => (format === 'mbox' ? body.replace(/^(>*From )/gm, '>$1') : body);
    assert.deepEqual(
      read.map(({ subject, flags, body }) => ({ subject, flags, body })),
      BODIES.map((body, index) => ({
        subject: String(index),
        flags: (format === 'maildir' ? ['', 'S', 'FRS', 'DT'] : ['O', 'RO', 'ROAF', 'ODT'])[index],
        body: hash('sha256', quoted(body.replaceAll('\r\n', '\n'))),
      })),
    );
    const dates = read.map(({ date }) => date);
    if (format === 'maildir') assert.deepEqual(dates, [1_600_000_000, 1_600_000_001, 1_600_000_002, 1_600_000_003]);
    else assert.equal(dates[3], 'MAILER-DAEMON Sun Sep 13 12:26:43 2020');
  });
}
