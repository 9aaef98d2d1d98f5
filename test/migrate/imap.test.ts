/** Moving in from Debian's Dovecot over IMAP: what comes is what was there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccountReport } from '../../src/migrate/report.ts';
import { PASSWORD, rainmail, trialOffice } from '../helpers/office.ts';
import { clientHere, contentsHere, contentsOf, filled, named } from './contents.ts';
import { oldDovecot } from './dovecot.ts';
import { fileOf, moveIn } from './moving.ts';
import { fillOddly } from './old-mail.ts';

for (const format of ['maildir', 'mdbox'] as const) {
  test(`an account of Dovecot (${format}) comes whole: deep and odd folders, flags, dates, every byte`, async (t) => {
    const old = await oldDovecot(t, { format });
    if (old === undefined) return;
    const there = await old.client(t, 'anna');
    const count = await fillOddly(there);
    const office = await trialOffice(t);

    const report = await moveIn(office, `imap://anna@127.0.0.1:${old.imap}`);

    assert.equal(report.brought.messages, count);
    assert.deepEqual(report.skipped, []);
    const before = await contentsOf(there);
    const names = { 'Sent Items': 'Sent', Entwürfe: 'Drafts' };
    assert.deepEqual(filled(await contentsHere(office)), filled(named(before, names)));

    const again = await moveIn(office, `imap://anna@127.0.0.1:${old.imap}`);
    assert.equal(again.brought.messages, 0);
    assert.deepEqual(filled(await contentsHere(office)), filled(named(before, names)));
  });
}

test('an account of another Rainmail comes whole: it holds what Dovecot and Cyrus do not take', async (t) => {
  const old = await trialOffice(t);
  const there = await clientHere(old);
  const count = await fillOddly(there, [
    '~tilde',
    'a.b.c',
    ' leading space',
    'ends with . ',
    'i18n/\u{1f4ec}/ΑΣΣ/\u0130',
  ]);
  const office = await trialOffice(t);
  const password = await fileOf(office, 'password', `${PASSWORD}\n`);
  const from = ['--from', `imap://${old.address('anna')}@127.0.0.1:${old.port('imap')}`, '--insecure'];

  const ended = await rainmail([
    'migrate',
    office.address('anna'),
    ...from,
    '--password-file',
    password,
    '--json',
    '--data',
    office.data,
  ]);

  assert.equal(ended.code, 0, `${ended.stdout}${ended.stderr}`);
  assert.equal((JSON.parse(ended.stdout) as AccountReport[])[0]!.brought.messages, count);
  assert.deepEqual(filled(await contentsHere(office)), filled(await contentsOf(there)));
  await there.logout();
});
