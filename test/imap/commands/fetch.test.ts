import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imapOffice, message } from '../imap-office.ts';

test('FETCH of a message tells its flags, size, date, envelope and structure', async (t) => {
  const office = await imapOffice(t);
  const client = await office.inbox();
  const text = message({ From: 'Ben <ben@office.test>', Subject: 'Invoice', Date: 'Mon, 7 Feb 1994 21:52:25 -0800' });
  await client.append(text, 'INBOX', '(\\Flagged) "17-Jul-1996 02:44:25 +0000"');

  const [fetched] = await client.ok('FETCH 1 FULL');

  assert.match(fetched!, /^\* 1 FETCH \(/);
  assert.ok(fetched!.includes('FLAGS (\\Flagged \\Recent)'));
  assert.ok(fetched!.includes('INTERNALDATE "17-Jul-1996 02:44:25 +0000"'));
  assert.ok(fetched!.includes(`RFC822.SIZE ${text.length}`));
  assert.ok(
    fetched!.includes(
      'ENVELOPE ("Mon, 7 Feb 1994 21:52:25 -0800" "Invoice" (("Ben" NIL "ben" "office.test")) (("Ben" NIL "ben" "office.test")) (("Ben" NIL "ben" "office.test")) NIL NIL NIL NIL NIL)',
    ),
  );
  assert.match(fetched!, /BODY \("TEXT" "PLAIN" \("CHARSET" "US-ASCII"\) NIL NIL "7BIT" 7 1\)\)$/i);
});

test('a message comes back byte for byte', async (t) => {
  const office = await imapOffice(t);
  const client = await office.inbox();
  const text = message({ Subject: 'Gr\xfc\xdfe' }, 'one\r\n\r\n..two\ttab\xff\xfe');
  await client.append(text);

  assert.deepEqual(await client.ok('FETCH 1 BODY.PEEK[]'), [`* 1 FETCH (BODY[] {${text.length}}\r\n${text})`]);
});
