import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mailbox, Role } from '../../src/store/types.ts';
import { destinations } from '../../src/transfer/destinations.ts';
import {
  folderOfDirectory,
  maildirDirectory,
  parseSubscriptions,
  parseUidList,
} from '../../src/transfer/maildir-dovecot.ts';
import { isUidlFormat, uidlByFormat } from '../../src/uidl-format.ts';

const mailbox = (path: string, role: Role | null = null, total = 0) => ({ path, role, total }) as Mailbox;
const ACCOUNT = [
  mailbox('INBOX', 'inbox'),
  mailbox('Sent', 'sent'),
  mailbox('Trash', 'trash'),
  mailbox('Junk', 'junk'),
];

function places(names: readonly string[], account = ACCOUNT, top?: string): string[] {
  const folders = names.map((name) => ({ name, role: null, indexed: false }));
  return destinations(folders, account, top).map(({ path }) => path);
}

test('folders go to those of the same use, with what is below them', () => {
  assert.deepEqual(places(['', 'Clients/Miller', 'Papierkorb', 'Sent Items', 'Sent Items/2024/May']), [
    'INBOX',
    'Clients/Miller',
    'Trash',
    'Sent',
    'Sent/2024/May',
  ]);
});

test('two folders stay two', () => {
  assert.deepEqual(places(['Sent', 'Sent Items', 'Gesendet']), ['Sent', 'Sent Items', 'Gesendet']);
  assert.deepEqual(places(['Spam', 'Junk E-mail']), ['Junk', 'Junk E-mail']);
  assert.deepEqual(places(['Sent Items'], [...ACCOUNT, mailbox('Sent Items')]), ['Sent Items']);
});

test('with a folder to put it in, everything is below it', () => {
  assert.deepEqual(places(['', 'INBOX', 'Sent Items', 'a/b'], ACCOUNT, 'Old'), [
    'Old',
    'Old',
    'Old/Sent Items',
    'Old/a/b',
  ]);
});

test('names that no folder can have become such that can', () => {
  assert.deepEqual(places(['a//b/', 'inbox/Below', 'bell\u0007', 'e\u0301']), [
    'a/b',
    'INBOX/Below',
    'bell_',
    '\u00e9',
  ]);
});

test('the folders of our own exports have their own names again', () => {
  const sent = { name: 'Versendet', role: 'sent', indexed: true } as const;
  const [empty] = destinations([sent], ACCOUNT, undefined);
  assert.deepEqual([empty!.path, empty!.rename?.path], ['Versendet', 'Sent']);
  const [used] = destinations([sent], [mailbox('Sent', 'sent', 3)], undefined);
  assert.deepEqual([used!.path, used!.rename], ['Sent', null]);
});

test('directories of Maildir++ and their folders', () => {
  for (const name of ['Clients', 'Clients/Müller & Co', '日本語/😀']) {
    assert.equal(folderOfDirectory(maildirDirectory(name)!), name);
  }
  assert.equal(maildirDirectory('v1.2'), null);
  assert.equal(folderOfDirectory('.Müller.Alt'), 'Müller/Alt');
});

test('lists of UIDs of each make are read', () => {
  const dovecot = parseUidList(
    '3 V1275660208 N5 G3085f01b\n1 P00001 :1.a.host,S=3\n2 :2.b.host\n4 W9 Pxyz S3 :3.c.host\ndamaged\n',
  );
  assert.equal(dovecot.uidvalidity, 1_275_660_208);
  assert.deepEqual(
    dovecot.messages,
    new Map([
      ['1.a.host', { uid: 1, uidl: '00001' }],
      ['2.b.host', { uid: 2, uidl: null }],
      ['3.c.host', { uid: 4, uidl: 'xyz' }],
    ]),
  );
  const courier = parseUidList('1 795414571 3\n1 1600000001.a.host\n');
  assert.deepEqual([courier.uidvalidity, courier.messages.get('1600000001.a.host')?.uid], [795_414_571, 1]);
});

test('subscriptions of each make are read', () => {
  assert.deepEqual(parseSubscriptions('V\t2\n\nSent\nClients\tM&APw-ller\t1.5\n'), ['Sent', 'Clients/Müller/1.5']);
  assert.deepEqual(parseSubscriptions('Sent\nClients.M&APw-ller\n'), ['Sent', 'Clients/Müller']);
  assert.deepEqual(parseSubscriptions('Sent\nClients/v1.5\n'), ['Sent', 'Clients/v1.5']);
  assert.deepEqual(parseSubscriptions(''), []);
});

test('ids for POP3 are made as pop3_uidl_format says', () => {
  const message = { uid: 0xab, uidvalidity: 0x5f00, file: '1.a.host,S=3' };
  assert.equal(uidlByFormat('%08Xu%08Xv', message), '000000ab00005f00');
  assert.equal(uidlByFormat('%v.%u', message), '24320.171');
  assert.equal(uidlByFormat('%f', message), '1.a.host,S=3');
  assert.equal(uidlByFormat('%v-%u', { ...message, uid: null }), null);
  assert.deepEqual(['%u', '%08Xu%08Xv', '%v', 'same', '%m'].map(isUidlFormat), [true, true, false, false, false]);
});
