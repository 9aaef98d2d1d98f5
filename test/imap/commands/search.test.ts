import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ImapClient, imapOffice, message } from '../imap-office.ts';

/** Some messages that differ in everything SEARCH asks for. */
async function fill(client: ImapClient): Promise<void> {
  await client.append(
    message(
      {
        From: 'Anna Lee <anna@office.test>',
        To: 'ben@office.test',
        Subject: 'Invoice 42',
        Date: 'Mon, 7 Feb 1994 23:30:00 -0800',
      },
      'Please pay soon.',
    ),
    'INBOX',
    '(\\Seen) "10-Jan-2020 10:00:00 +0000"',
  );
  await client.append(
    message(
      {
        From: 'Ben <ben@office.test>',
        Cc: 'carla@office.test',
        Subject: '=?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n =?utf-8?q?_aus_dem_B=C3=BCro?=',
        'Content-Type': 'text/plain; charset=utf-8',
        'Content-Transfer-Encoding': 'quoted-printable',
      },
      'Sch=C3=B6ne Gr=C3=BC=C3=9Fe, das Essen war k=\r\n=C3=B6stlich.',
    ),
    'INBOX',
    '(\\Flagged Receipt) "11-Jan-2020 23:59:59 +0000"',
  );
  await client.append(
    message({ From: 'carla@office.test', Bcc: 'dora@office.test', Subject: 'Fotos', 'X-Empty': '' }, 'x'.repeat(5_000)),
    'INBOX',
    '(\\Deleted) "12-Jan-2020 00:00:00 +0000"',
  );
}

async function numbers(client: ImapClient, criteria: string): Promise<string> {
  const untagged = await client.ok(`SEARCH ${criteria}`);
  const response = untagged.find((line) => line.startsWith('* SEARCH'));
  assert.ok(response !== undefined, `no SEARCH response to ${criteria}`);
  return response.slice('* SEARCH'.length).trim();
}

test('every search key finds what RFC 9051 6.4.4 says', async (t) => {
  const client = await (await imapOffice(t)).inbox();
  await fill(client);
  await client.ok('NOOP');
  const cases: [criteria: string, found: string][] = [
    ['ALL', '1 2 3'],
    ['SEEN', '1'],
    ['UNSEEN', '2 3'],
    ['FLAGGED', '2'],
    ['UNFLAGGED', '1 3'],
    ['DELETED', '3'],
    ['UNDELETED', '1 2'],
    ['ANSWERED', ''],
    ['DRAFT', ''],
    ['UNDRAFT', '1 2 3'],
    ['KEYWORD receipt', '2'],
    ['UNKEYWORD RECEIPT', '1 3'],
    ['KEYWORD $Junk', ''],
    ['RECENT', '1 2 3'],
    ['NEW', '2 3'],
    ['OLD', ''],
    ['FROM anna', '1'],
    ['FROM ANNA@OFFICE', '1'],
    ['TO ben', '1'],
    ['CC carla', '2'],
    ['BCC dora', '3'],
    ['SUBJECT invoice', '1'],
    ['SUBJECT "aus dem"', '2'],
    ['HEADER X-Empty ""', '3'],
    ['HEADER Cc ""', '2'],
    ['HEADER Subject fotos', '3'],
    ['HEADER X-None x', ''],
    ['BODY "pay soon"', '1'],
    ['BODY invoice', ''],
    ['BODY ""', '1 2 3'],
    ['TEXT invoice', '1'],
    ['TEXT carla', '2 3'],
    ['LARGER 4000', '3'],
    ['SMALLER 4000', '1 2'],
    ['BEFORE 11-Jan-2020', '1'],
    ['ON 11-Jan-2020', '2'],
    ['SINCE 11-Jan-2020', '2 3'],
    ['SENTON 7-Feb-1994', '1'],
    ['SENTON 8-Feb-1994', ''],
    ['SENTBEFORE 8-Feb-1994', '1'],
    ['SENTSINCE 1-Jan-1990', '1'],
    ['OLDER 86400', '1 2 3'],
    ['YOUNGER 86400', ''],
    ['UID 2:*', '2 3'],
    ['1,3', '1 3'],
    ['2:99', '2 3'],
    ['NOT 2', '1 3'],
    ['OR SEEN FLAGGED', '1 2'],
    ['NOT (OR SEEN FROM ben)', '3'],
    ['UNSEEN TEXT office NOT DELETED', '2'],
    ['OR (BODY pay SEEN) (SUBJECT Fotos DELETED)', '1 3'],
    ['NOT TEXT invoice', '2 3'],
    ['MODSEQ 1', '1 2 3 (MODSEQ n)'],
  ];
  for (const [criteria, found] of cases) {
    const got = await numbers(client, criteria);
    assert.equal(got.replace(/MODSEQ \d+/, 'MODSEQ n'), found, criteria);
  }
});

test('text is found decoded, in any case, in the charset the client says', async (t) => {
  const client = await (await imapOffice(t)).inbox();
  await fill(client);
  await client.ok('NOOP');
  const utf8 = (text: string) => Buffer.from(text).toString('latin1');
  const literal = (text: string) => `{${text.length}+}\r\n${text}`;

  assert.equal(await numbers(client, `CHARSET UTF-8 SUBJECT ${literal(utf8('grüße aus'))}`), '2');
  assert.equal(
    await numbers(client, `CHARSET utf-8 BODY ${literal(utf8('KÖSTLICH'))}`),
    '2',
    'across a soft line break',
  );
  assert.equal(await numbers(client, `CHARSET iso-8859-1 TEXT ${literal('B\xfcro')}`), '2');
  assert.equal(await numbers(client, `BODY ${literal(utf8('schöne'))}`), '2', 'UTF-8 when no charset is named');
  assert.match((await client.command('SEARCH CHARSET x-unheard-of ALL')).tagged, /^NO \[BADCHARSET/);
});

test('UID SEARCH answers with UIDs', async (t) => {
  const client = await (await imapOffice(t)).inbox();
  await fill(client);
  await client.ok('EXPUNGE');
  await client.append(message({ Subject: 'four' }));
  await client.ok('NOOP');

  assert.deepEqual(await client.ok('UID SEARCH SUBJECT four'), ['* SEARCH 4']);
  assert.deepEqual(await client.ok('SEARCH SUBJECT four'), ['* SEARCH 3']);
  assert.deepEqual(await client.ok('UID SEARCH UID 3'), ['* SEARCH']);
});

test('RETURN asks for an ESEARCH response with just the options named', async (t) => {
  const client = await (await imapOffice(t)).inbox();
  await fill(client);
  await client.ok('NOOP');
  const cases: [options: string, response: string][] = [
    ['RETURN (MIN MAX COUNT ALL) ALL', ' MIN 1 MAX 3 ALL 1:3 COUNT 3'],
    ['RETURN () UNSEEN', ' ALL 2:3'],
    ['RETURN (COUNT) DRAFT', ' COUNT 0'],
    ['RETURN (MIN ALL) DRAFT', ''],
    ['RETURN (MAX) UNSEEN', ' MAX 3'],
  ];
  for (const [options, response] of cases) {
    const tag = client.start(`SEARCH ${options}`);
    assert.deepEqual((await client.answer(tag)).untagged, [`* ESEARCH (TAG "${tag}")${response}`]);
  }
  const tag = client.start('UID SEARCH RETURN (ALL) UID 2:3');
  assert.deepEqual((await client.answer(tag)).untagged, [`* ESEARCH (TAG "${tag}") UID ALL 2:3`]);
});

test('in IMAP4rev2 every search is answered by ESEARCH', async (t) => {
  const client = await (await imapOffice(t)).signIn();
  await client.ok('ENABLE IMAP4rev2');
  await client.ok('SELECT INBOX');
  const tag = client.start('SEARCH ALL');
  assert.deepEqual((await client.answer(tag)).untagged, [`* ESEARCH (TAG "${tag}")`]);
});

test('$ is the saved result: of UIDs, without what is removed meanwhile', async (t) => {
  const client = await (await imapOffice(t)).inbox();
  await fill(client);
  await client.ok('NOOP');

  assert.deepEqual(await client.ok('SEARCH RETURN (SAVE) UNSEEN'), []);
  assert.deepEqual(await client.ok('FETCH $ UID'), ['* 2 FETCH (UID 2)', '* 3 FETCH (UID 3)']);
  await client.ok('EXPUNGE');
  assert.deepEqual(await client.ok('UID FETCH $ FLAGS'), ['* 2 FETCH (UID 2 FLAGS (\\Flagged Receipt \\Recent))']);
  assert.deepEqual(await client.ok('SEARCH $'), ['* SEARCH 2']);
  assert.deepEqual(await client.ok('UID SEARCH NOT $'), ['* SEARCH 1']);
  assert.deepEqual(await client.ok('STORE $ +FLAGS (\\Answered)'), [
    '* 2 FETCH (FLAGS (\\Answered \\Flagged Receipt \\Recent))',
  ]);

  const tag = client.start('SEARCH RETURN (SAVE MIN) ALL');
  assert.deepEqual((await client.answer(tag)).untagged, [`* ESEARCH (TAG "${tag}") MIN 1`]);
  assert.deepEqual(await client.ok('SEARCH $'), ['* SEARCH 1'], 'with MIN alone $ is that one message (RFC 5182 2.4)');

  assert.match((await client.command('SEARCH RETURN (SAVE) CHARSET x-none ALL')).tagged, /^NO /);
  assert.deepEqual(await client.ok('SEARCH $'), ['* SEARCH'], 'a search that fails leaves it empty (RFC 5182 2.1)');
});

test('EMAILID and THREADID find what FETCH told', async (t) => {
  const client = await (await imapOffice(t)).inbox();
  await fill(client);
  await client.ok('NOOP');
  const [line] = await client.ok('FETCH 2 (EMAILID THREADID)');
  const [, email, thread] = /EMAILID \((\w+)\) THREADID \((\w+)\)/.exec(line!)!;

  assert.equal(await numbers(client, `EMAILID ${email}`), '2');
  assert.equal(await numbers(client, `THREADID ${thread}`), '2');
  assert.equal(await numbers(client, 'EMAILID nobody'), '');
});

test('the text of a part too large to hold is searched to its end, across its pieces', async (t) => {
  const client = await (await imapOffice(t)).inbox();
  const filler = 'The quick brown fox. '.repeat(75_000);
  const data = Buffer.from(`${filler}the needle${filler}`).toString('base64').replace(/.{76}/g, '$&\r\n');
  await client.append(
    message(
      { Subject: 'large', 'Content-Type': 'text/plain; charset=utf-8', 'Content-Transfer-Encoding': 'base64' },
      data,
    ),
  );
  await client.append(message({ Subject: 'small' }));
  await client.ok('NOOP');

  assert.equal(await numbers(client, 'BODY "THE NEEDLE"'), '1');
  assert.equal(await numbers(client, 'BODY "no such needle"'), '');
  assert.equal(await numbers(client, 'SUBJECT large'), '1');
});

test('messages within messages are searched, attachments that are no text are not', async (t) => {
  const client = await (await imapOffice(t)).inbox();
  const text = [
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: message/rfc822',
    '',
    'Subject: =?utf-8?q?inner=5Fsubject?=',
    '',
    'inner body',
    '--b',
    'Content-Type: text/html; charset=utf-8',
    '',
    '<b>bold words</b>',
    '--b',
    'Content-Type: application/pdf',
    '',
    'hidden words',
    '--b--',
    '',
  ].join('\r\n');
  await client.append(text);
  await client.ok('NOOP');

  for (const [criteria, found] of [
    ['BODY inner_subject', '1'],
    ['BODY "inner body"', '1'],
    ['SUBJECT inner_subject', ''],
    ['TEXT "bold words"', '1'],
    ['TEXT "hidden words"', ''],
  ] as const) {
    assert.equal(await numbers(client, criteria), found, criteria);
  }
});

test('a client that leaves during a long search ends it', async (t) => {
  const office = await imapOffice(t);
  const client = await office.inbox();
  const stage = office.store.stage(1 << 20);
  await stage.write(Buffer.from(message({ Subject: 'many' }, 'x'.repeat(20_000))));
  const staged = await stage.finish();
  const [inbox] = await office.store.mailboxes.list(office.account);
  await office.store.append(
    { account: office.account, mailbox: inbox!.id },
    Array.from({ length: 1_000 }, () => ({ staged, flags: { bits: 0, keywords: [] } })),
  );
  await client.ok('NOOP');

  client.start('SEARCH BODY "nowhere to be found"');
  client.destroy();
  // The office would say so at its end if the search had failed, or still ran.
});

test('SEARCH sees what another client has just changed', async (t) => {
  const office = await imapOffice(t);
  const client = await office.inbox();
  await fill(client);
  await client.ok('NOOP');
  const other = await office.inbox();
  await other.ok('STORE 2 +FLAGS.SILENT (\\Answered)');

  assert.ok((await client.ok('SEARCH ANSWERED')).includes('* SEARCH 2'));
});
