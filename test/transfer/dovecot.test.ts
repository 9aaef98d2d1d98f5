import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ImapFlow } from 'imapflow';
import type { ImportReport } from '../../src/transfer/import.ts';
import { parseIndex } from '../../src/transfer/rainmail-index.ts';
import { Pop3Device } from '../helpers/line-client.ts';
import { type TrialOffice, trialOffice } from '../helpers/office.ts';
import { corpus } from '../message/corpus.ts';
import { clientHere, contentsHere, contentsOf, filled, named } from '../migrate/contents.ts';
import { OLD_PASSWORD, type OldServer, oldDovecot } from '../migrate/dovecot.ts';
import { fillOddly, plain } from '../migrate/old-mail.ts';

/** IMAP's literals have no NUL (RFC 3501 9): Dovecot shows another character in its place. */
async function withoutNul(client: ImapFlow): Promise<void> {
  await client.mailboxOpen('INBOX');
  const odd = corpus().flatMap(({ bytes }, index) => (bytes.includes(0) ? [String(index + 1)] : []));
  if (odd.length > 0) await client.messageDelete(odd.join(','));
}

/** What of a folder IMAP clients keep their caches by. */
async function numbers(client: ImapFlow, folder: string) {
  const { uidValidity, uidNext } = await client.mailboxOpen(folder, { readOnly: true });
  return { uidValidity, uidNext, uids: await client.search({ all: true }, { uid: true }) };
}

async function subscribed(client: ImapFlow): Promise<Set<string>> {
  return new Set((await client.list()).filter((folder) => folder.subscribed).map((folder) => folder.path));
}

async function oldUidls(old: OldServer, user: string): Promise<string[]> {
  const laptop = await Pop3Device.signIn(old.pop3, user, OLD_PASSWORD);
  const uidls = await laptop.uidl();
  await laptop.quit();
  laptop.close();
  return uidls;
}

function uidlsHere(office: TrialOffice): Promise<string[]> {
  const [laptop] = office.devices('anna', ['laptop']);
  return laptop.pop3((session) => session.uidl());
}

test('Dovecot opens an exported Maildir and serves the same: flags, dates, UIDs, message ids, subscriptions', async (t) => {
  const old = await oldDovecot(t, { layout: '++' });
  if (old === undefined) return;
  const office = await trialOffice(t, { people: ['anna'] });
  const here = await clientHere(office);
  await here.mailboxCreate('Sent Items');
  await here.mailboxSubscribe('Sent Items');
  await fillOddly(here);
  await office.deliver({ to: 'anna', subject: 'delivered' });
  await withoutNul(here);

  const maildir = join(old.folder, 'mail', 'anna', 'Maildir');
  await mkdir(join(old.folder, 'mail', 'anna'));
  await office.command('export', 'anna@office.test', '--to', maildir, '--as', 'maildir');
  execFileSync('chown', ['-R', 'mail:mail', join(old.folder, 'mail', 'anna')]);

  const index = parseIndex(await readFile(join(maildir, 'rainmail.json'), 'utf8'))!;
  // A name that Maildir++ has no place for has another there; the index tells.
  const names = Object.fromEntries(
    index.folders.filter(({ path }) => path.startsWith('.Folder-')).map(({ name, path }) => [path.slice(1), name]),
  );
  assert.deepEqual(Object.values(names), ['dots at the end...']);
  const there = await old.client(t, 'anna');
  assert.deepEqual(filled(named(await contentsOf(there), names)), filled(await contentsHere(office)));
  for (const folder of ['INBOX', 'Größe & Gewicht', 'Sent Items']) {
    assert.deepEqual(await numbers(there, folder), await numbers(here, folder), folder);
  }
  assert.deepEqual(await oldUidls(old, 'anna'), await uidlsHere(office));
  const then = [...(await subscribed(there))].map((name) => names[name] ?? name);
  for (const { path, subscribed: now } of await here.list()) assert.equal(then.includes(path), now === true, path);
  await here.logout();
});

for (const layout of ['fs', '++'] as const) {
  test(`a Maildir of Dovecot (LAYOUT=${layout}) in use comes in, and again what changed until the change-over`, async (t) => {
    const old = await oldDovecot(t, { layout });
    if (old === undefined) return;
    const office = await trialOffice(t, { people: ['anna'] });
    const there = await old.client(t, 'anna');
    if (layout === 'fs') {
      await fillOddly(there);
      await withoutNul(there);
    } else {
      for (const name of ['Kunden/Müller & Söhne/2024', 'Entwürfe/Alt', 'with space']) {
        await there.mailboxCreate(name);
        await there.append(name, plain(name), ['\\Seen', 'work'], new Date(1_600_000_000_000));
      }
      await there.mailboxSubscribe('Kunden/Müller & Söhne/2024');
      for (let n = 0; n < 5; n++)
        await there.append('INBOX', plain(`inbox ${n}`), n % 2 ? ['\\Flagged', '$Forwarded'] : []);
    }
    const uidls = await oldUidls(old, 'anna');
    const maildir = join(old.folder, 'mail', 'anna', 'Maildir');
    const bring = async () => (await office.command('import', 'anna@office.test', '--from', maildir)) as ImportReport;

    const first = await bring();
    assert.deepEqual(first.skipped, []);
    const names = { 'Sent Items': 'Sent', Entwürfe: 'Drafts', 'Entwürfe/Alt': 'Drafts/Alt' };
    assert.deepEqual(filled(await contentsHere(office)), filled(named(await contentsOf(there), names)));
    assert.deepEqual(await uidlsHere(office), uidls);

    await there.append('INBOX', plain('late'), ['later']);
    await there.mailboxOpen('INBOX');
    await there.messageFlagsAdd('1', ['\\Flagged', 'new-keyword']);
    await there.messageFlagsRemove('2', ['\\Flagged', '\\Seen']);
    await there.mailboxClose();
    const second = await bring();
    assert.equal(second.messages, 1);
    assert.deepEqual(filled(await contentsHere(office)), filled(named(await contentsOf(there), names)));
    assert.deepEqual(await uidlsHere(office), await oldUidls(old, 'anna'));
    if (layout === '++') assert.ok((await subscribedHere(office)).has('Kunden/Müller & Söhne/2024'));
  });
}

async function subscribedHere(office: TrialOffice): Promise<Set<string>> {
  const client = await clientHere(office);
  try {
    return await subscribed(client);
  } finally {
    await client.logout();
  }
}
