import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fetchAndDelete, fetchAndKeep } from './fetching.ts';
import { Getmail } from './getmail.ts';
import { subjectOf } from './maildir.ts';
import { ODD_MESSAGES } from './odd-messages.ts';

for (const protocol of ['POP3', 'IMAP'] as const) {
  test(`getmail over ${protocol}, keeping mail in the office, gets nothing twice and loses nothing`, async (t) => {
    const { office, getmail } = (await Getmail.open(t, protocol)) ?? {};
    if (office !== undefined) await fetchAndKeep(office, getmail!);
  });

  test(`getmail over ${protocol}, taking mail out of the office, gets nothing twice and loses nothing`, async (t) => {
    const { office, getmail } = (await Getmail.open(t, protocol)) ?? {};
    if (office !== undefined) await fetchAndDelete(office, getmail!);
  });

  // As they are cannot be asked of it: it takes each message apart and writes it anew.
  test(`getmail over ${protocol} gets every odd message`, async (t) => {
    const { office, getmail } = (await Getmail.open(t, protocol)) ?? {};
    if (office === undefined) return;
    for (const raw of ODD_MESSAGES) await office.deliver({ to: 'anna', raw: Buffer.from(raw, 'latin1') });
    await getmail!.fetch({ keep: false, tls: 'implicit' });
    assert.deepEqual((await getmail!.received()).map(subjectOf).sort(), ODD_MESSAGES.map(subjectOf).sort());
  });
}
