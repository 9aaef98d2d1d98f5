import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSignable } from '../../src/signing/signable.ts';
import type { AccountId, QueueId } from '../../src/store/ids.ts';
import fc from '../helpers/properties.ts';
import { needsTool } from '../helpers/tools.ts';
import { LETTER, openDkim, sharedSigningOffice, signingOffice } from './signing-office.ts';

const shared = sharedSigningOffice();

const BOTH = ['ed25519-sha256 pass', 'rsa-sha256 pass'];

/** Messages with something odd about them. */
const ODD: Readonly<Record<string, string | Buffer>> = {
  'without a body': LETTER.slice(0, LETTER.indexOf('\r\n\r\n') + 2),
  'with an empty body': LETTER.slice(0, LETTER.indexOf('\r\n\r\n') + 4),
  'with blank lines at its end': `${LETTER}\r\n\r\n \r\n\r\n`,
  'without a last line end': `${LETTER}the end`,
  'with 8-bit text': LETTER.replace('offer', 'Äpfel für 5 €'),
  'with bytes that are no text': Buffer.concat([
    Buffer.from(LETTER),
    Buffer.from([1, 255, 13, 10, 200, 32, 32, 13, 10]),
  ]),
  'with folded fields': LETTER.replace('The offer', 'The\r\n\toffer \r\n  of  today'),
  'with several fields of a name': LETTER.replace(
    'To:',
    'Comments: a\r\nTo: Ben <ben@example.net>\r\nComments: b\r\nTo:',
  ),
  'with long lines': `${LETTER}${'x'.repeat(100_000)}\r\n`,
};

test('a message has both signatures once the DNS shows the keys, and none before', async (t) => {
  const office = await signingOffice(t);
  assert.deepEqual(await office.leaves(LETTER), Buffer.from(LETTER));
  await office.publish('office.test');
  const signed = await office.leaves(LETTER);
  assert.deepEqual(await office.checked(signed), BOTH);
  assert.equal(signed.subarray(-LETTER.length).toString(), LETTER);
  assert.match(signed.toString(), /^DKIM-Signature: v=1; a=rsa-sha256; c=relaxed\/relaxed;/);
});

/** A field as nobody would write it: folded anywhere, with blanks anywhere. */
const fields = fc
  .tuple(
    fc.constantFrom('Subject', 'To', 'cc', 'REPLY-TO', 'Received', 'X-Other', 'List-Id', 'Content-Type', 'Resent-To'),
    fc.constantFrom('', ' ', '\t '),
    fc.string({
      unit: fc.constantFrom('a', 'B', '@', ';', ' ', '\t', '\r\n ', '\r\n\t', 'ä', '=?'),
      minLength: 1,
      maxLength: 30,
    }),
  )
  .map(([name, blank, value]) => `${name}:${blank}x${value.replace(/\s+$/, '')}y${blank}\r\n`);
const bodies = fc.string({ unit: fc.constantFrom('a', '.', ' ', '\t', '\r\n', '-', 'é'), maxLength: 200 });
const letters = fc
  .tuple(fc.array(fields, { maxLength: 8 }), fc.array(fields, { maxLength: 8 }), bodies)
  .map(([before, after, body]) => `${before.join('')}From: anna@office.test\r\n${after.join('')}\r\n${body}`);

test('OpenDKIM and mailauth find the signatures of every message good', async (t) => {
  const opendkim = needsTool(t, 'opendkim');
  if (!opendkim) return;
  const office = shared();
  const signed: Buffer[] = [];
  for (const letter of [...Object.values(ODD), ...fc.sample(letters, 100)]) {
    const message = await office.leaves(letter);
    assert.deepEqual(await office.checked(message), BOTH, JSON.stringify(letter.toString()));
    signed.push(message);
  }
  const results = await openDkim(t, opendkim, office, signed);
  assert.equal(results.length, 2 * signed.length);
  for (const [index, result] of results.entries())
    assert.equal(result, 'pass', JSON.stringify(signed[Math.floor(index / 2)]!.toString()));
});

test('a header that is too long to be read is not signed, and the message leaves', async () => {
  const long = `X-Long: ${'x'.repeat(1_100_000)}\r\n${LETTER}`;
  assert.ok((await shared().leaves(long)).equals(Buffer.from(long)));
});

test('both signatures hold, in whatever pieces a message is read', async () => {
  const office = shared();
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...Object.values(ODD)), fc.integer({ min: 1, max: 40 }), async (letter, piece) => {
      const short = Buffer.from(letter).subarray(0, 2_000);
      assert.deepEqual(await office.checked(await office.leaves(short, { piece })), BOTH);
    }),
    { numRuns: 30 },
  );
});

test('nobody can add a field that people see, or one that decides what they see', async () => {
  const office = shared();
  const signed = (await office.leaves(LETTER)).toString();
  const fields = [
    'From: Boss <boss@office.test>',
    'Subject: Pay',
    'Reply-To: eve@evil.test',
    'Cc: x@y.test',
    'Content-Type: text/html',
    'To: you@y.test',
    'Date: Tue, 24 Nov 2026 10:00:00 +0000',
  ];
  for (const field of fields) {
    for (const changed of [`${field}\r\n${signed}`, signed.replace('To: Carl', `${field}\r\nTo: Carl`)]) {
      assert.deepEqual(
        (await office.checked(Buffer.from(changed))).filter((result) => /pass/.test(result)),
        [],
        field,
      );
    }
  }
  const received = `Received: from mail.office.test by mx.example.net; Mon, 23 Nov 2026 10:00:01 +0000\r\n${signed}`;
  assert.deepEqual(await office.checked(Buffer.from(received)), BOTH);
});

test('only what was written here is signed in the name of its author, and only in that of a domain of ours', async () => {
  const office = shared();
  await office.directory.by('the test').domains.add('branch.test');
  await office.publish('branch.test');
  const from = (author: string) => LETTER.replace('Anna Lee <anna@office.test>', author);
  assert.deepEqual(await office.checked(await office.leaves(LETTER, { options: {} })), []);
  for (const author of ['eve@evil.test', 'a@office.test, b@evil.test', 'nobody', 'Undisclosed: ;'])
    assert.deepEqual(await office.checked(await office.leaves(from(author))), [], author);
  assert.deepEqual(await office.checked(await office.leaves(`From: x@office.test\r\n${LETTER}`)), []);
  const branch = await office.leaves(from('"Ben @ Branch" (boss) <ben@BRANCH.test>, anna@branch.test'));
  assert.deepEqual(await office.checked(branch), BOTH);
  assert.match(branch.toString(), / d=branch\.test;/);
  const below = await office.leaves(from('The server <postmaster@mail.office.test>'));
  assert.deepEqual(await office.checked(below), BOTH);
  assert.match(below.toString(), / d=office\.test;/);
});

test('a message to many destinations is signed once', async () => {
  const office = shared();
  const { signer, keyring } = office.signing;
  let reads = 0;
  const message = {
    id: 1_000 as QueueId,
    account: 1 as AccountId,
    prefix: Buffer.alloc(0),
    options: { ours: true as const },
  };
  const sign = () =>
    signer.sign(message, async function* () {
      reads++;
      yield Buffer.from(LETTER);
    });
  const [one, two] = await Promise.all([sign(), sign()]);
  assert.deepEqual([one, await sign(), reads], [two, two, 1]);
  await keyring.rotate('office.test', { force: true }, 'the test');
  assert.notDeepEqual(await sign(), one);
  await office.publish('office.test');
});

test('a message that can not be read is not sent without a signature, but later', async () => {
  const office = shared();
  const message = {
    id: 2_000 as QueueId,
    account: 1 as AccountId,
    prefix: Buffer.alloc(0),
    options: { ours: true as const },
  };
  const { signer } = office.signing;
  await assert.rejects(
    signer.sign(message, async function* () {
      yield Buffer.from(LETTER);
      throw new Error('the disk');
    }),
    /the disk/,
  );
  const signature = await signer.sign(message, async function* () {
    yield Buffer.from(LETTER);
  });
  assert.deepEqual(await office.checked(Buffer.concat([signature, Buffer.from(LETTER)])), BOTH);
});

test('a line that no server takes makes nobody wait: the message leaves unsigned', async () => {
  const office = shared();
  const long = Buffer.from(`${LETTER}${'x'.repeat(600 * 1024)}\r\n`);
  async function* inChunks(): AsyncGenerator<Buffer> {
    for (let at = 0; at < long.length; at += 65_536) yield long.subarray(at, at + 65_536);
  }
  assert.equal(await readSignable(inChunks(), async () => true), null);
  assert.deepEqual(await office.checked(await office.leaves(`${LETTER}${'x'.repeat(500 * 1024)}\r\n`)), BOTH);
});
