/** Moving in from Debian's Dovecot over IMAP: what comes is what was there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { trialOffice } from '../helpers/office.ts';
import { contentsHere, contentsOf, filled, named } from './contents.ts';
import { oldDovecot } from './dovecot.ts';
import { moveIn } from './moving.ts';
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
