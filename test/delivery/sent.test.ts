/**
 * What people send is in their Sent folder, once, whatever their mail programs do. The habits of these are played back over real
 * connections: the message as the program submits it, and the copy of its own as it appends it.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ImapFlow } from 'imapflow';
import { createTransport } from 'nodemailer';
import { perform } from '../../src/cli/perform.ts';
import { verify } from '../../src/server/admin/verify.ts';
import { connect } from '../clients/imap-client.ts';
import { PASSWORD, type TrialOffice, trialOffice } from '../helpers/office.ts';
import { sharedOffice } from '../http/shared-office.ts';

/** A sender for each test: what the others sent is not in the way. */
const SENDERS = Array.from({ length: 12 }, (_, number) => `anna${number}`);
const shared = sharedOffice({ people: ['ben', 'carl', ...SENDERS] });

interface Desk {
  readonly office: TrialOffice;
  /** Who sits there. */
  readonly anna: string;
  readonly imap: ImapFlow;
  /** A message from her that nobody sent before. */
  letter(parts?: LetterParts): string;
  /** Hands a message over for these recipients, as her mail program does. */
  submit(message: string, to?: readonly string[]): Promise<void>;
  append(folder: string, message: string, flags?: readonly string[]): Promise<number>;
  /** Messages of a folder: UID, flags and the header as stored. */
  folder(path: string): Promise<{ uid: number; flags: string[]; source: string; bcc: string[] }[]>;
}

interface LetterParts {
  readonly extra?: string;
  readonly body?: string;
  readonly id?: string;
}

async function desk(t: TestContext, office = shared.office, person = SENDERS.pop()!): Promise<Desk> {
  office.lastly = async () => assert.deepEqual((await perform(verify, {}, office)).findings, []);
  const imap = await connect(t, office, { ca: join(office.data, 'self-signed.pem') }, 'imaps', { person });
  const anna = office.address(person);
  const transport = createTransport({
    host: '127.0.0.1',
    port: office.port('submission'),
    ignoreTLS: true,
    auth: { user: anna, pass: PASSWORD },
  });
  return {
    office,
    anna,
    imap,
    letter({ extra = '', body = 'Hello.\r\n', id = newId() } = {}) {
      const date = new Date().toUTCString().replace('GMT', '+0000');
      return `From: Anna <${anna}>\r\nTo: ben@office.test\r\n${extra}Subject: Letter\r\nDate: ${date}\r\nMessage-ID: <${id}@laptop.test>\r\n\r\n${body}`;
    },
    async submit(message, to = ['ben']) {
      await transport.sendMail({
        raw: message,
        envelope: { from: anna, to: to.map((name) => office.address(name)) },
      });
    },
    async append(folder, message, flags = ['\\Seen']) {
      const appended = await imap.append(folder, message, [...flags]);
      assert.ok(appended && appended.uid !== undefined);
      return appended.uid;
    },
    async folder(path) {
      const lock = await imap.getMailboxLock(path);
      try {
        const messages = [];
        for await (const { uid, flags, source, envelope } of imap.fetch('1:*', {
          uid: true,
          flags: true,
          source: true,
          envelope: true,
        })) {
          const bcc = (envelope?.bcc ?? []).map(({ address }) => address ?? '');
          messages.push({ uid, flags: [...(flags ?? [])], source: source?.toString('latin1') ?? '', bcc });
        }
        return messages;
      } finally {
        lock.release();
      }
    },
  };
}

let serial = 0;

function newId(): string {
  serial += 1;
  return `letter-${serial}`;
}

test('a program that files nothing, as over POP3: the server does, seen', async (t) => {
  const { letter, submit, folder } = await desk(t);
  const sent = letter();
  await submit(sent);
  const [copy, ...others] = await folder('Sent');
  assert.equal(others.length, 0);
  assert.deepEqual(copy!.flags, ['\\Seen']);
  assert.ok(copy!.source.endsWith(sent));
});

test('recipients whom the header hides are told to the sender alone', async (t) => {
  const { office, letter, submit, folder } = await desk(t);
  const id = newId();
  await submit(letter({ id }), ['ben', 'carl']);
  const [copy] = await folder('Sent');
  assert.match(copy!.source, /^Bcc: carl@office\.test\r\n/);
  assert.deepEqual(copy!.bcc, ['carl@office.test']);
  for (const person of ['ben', 'carl']) {
    const [device] = office.devices(person, ['phone']);
    const received = (await device.pop3((session) => session.all())).find((message) => message.includes(`<${id}@`));
    assert.doesNotMatch(received!, /^Bcc:/m);
  }
});

test('Thunderbird and Apple Mail append after sending: theirs stays, with its UID and its bytes', async (t) => {
  const { letter, submit, append, folder } = await desk(t);
  const sent = letter();
  await submit(sent, ['ben', 'carl']);
  const [servers] = await folder('Sent');
  const own = sent.replace('Subject:', 'Bcc: carl@office.test\r\nX-Mozilla-Status: 0001\r\nSubject:');
  const uid = await append('Sent', own);
  assert.ok(uid > servers!.uid, 'a UID is never used twice');
  assert.deepEqual(
    (await folder('Sent')).map((copy) => [copy.uid, copy.source]),
    [[uid, own]],
  );
});

test('a program that appends before it sends: there is no second copy', async (t) => {
  const { letter, submit, append, folder } = await desk(t);
  const sent = letter();
  const uid = await append('Sent', sent);
  await submit(sent);
  assert.deepEqual(
    (await folder('Sent')).map((copy) => copy.uid),
    [uid],
  );
});

test('a copy that differs in MIME and line lengths, in a folder of the program’s own, is the one that stays', async (t) => {
  const { imap, letter, submit, append, folder } = await desk(t);
  await imap.mailboxCreate('Sent Items');
  const id = 'outlook-1';
  await submit(
    letter({ id, body: 'Grüße\r\n', extra: 'MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n' }),
  );
  const own = letter({
    id,
    body: 'R3LDvMOfZQ0K\r\n',
    extra: 'MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n',
  });
  await append('Sent Items', own);
  assert.deepEqual(await folder('Sent'), []);
  assert.deepEqual(
    (await folder('Sent Items')).map(({ source }) => source),
    [own],
  );
});

test('drafts with the Message-ID of what will be sent are drafts, before and after', async (t) => {
  const { letter, submit, append, folder } = await desk(t);
  const sent = letter();
  await append('Drafts', sent, ['\\Draft', '\\Seen']);
  await submit(sent);
  await append('Drafts', sent, ['\\Draft']);
  assert.equal((await folder('Sent')).length, 1);
  assert.equal((await folder('Drafts')).length, 2);
});

test('each copy is taken once: two letters with one Message-ID, one appended', async (t) => {
  const { letter, submit, append, folder } = await desk(t);
  const sent = letter();
  await submit(sent);
  await submit(sent);
  await append('Sent', sent);
  assert.equal((await folder('Sent')).length, 2);
  await append('Sent', sent);
  assert.equal((await folder('Sent')).length, 2);
  await append('Sent', sent);
  assert.equal((await folder('Sent')).length, 3, 'an APPEND is never swallowed');
});

test('another person’s mail, or another letter, is never taken for a copy', async (t) => {
  const { letter, submit, append, folder } = await desk(t);
  const sent = letter();
  await submit(sent);
  await append('Sent', sent.replace(/From: Anna <[^>]*>/, 'From: Ben <ben@office.test>'));
  await append('Sent', letter());
  assert.equal((await folder('Sent')).length, 3);
});

test('a copy that the person has moved is theirs: it stays', async (t) => {
  const { imap, letter, submit, append, folder } = await desk(t);
  const sent = letter();
  await submit(sent);
  const lock = await imap.getMailboxLock('Sent');
  await imap.messageMove('1:*', 'Archive');
  lock.release();
  await append('Sent', sent);
  assert.equal((await folder('Archive')).length, 1);
  assert.equal((await folder('Sent')).length, 1);
});

test('a full mailbox does not keep anybody from sending', async (t) => {
  const { office, anna, letter, submit, folder } = await desk(t);
  await office.command('quota', 'set', 'account', anna, '1KB');
  await submit(letter({ body: `${'x'.repeat(70)}\r\n`.repeat(40) }));
  assert.equal((await folder('Sent')).length, 1);
});

test('a message that nobody got is not in Sent', async (t) => {
  const { letter, submit, folder } = await desk(t);
  await assert.rejects(submit(letter(), ['nobody']));
  assert.deepEqual(await folder('Sent'), []);
});

test('a Sent folder that was deleted is made anew', async (t) => {
  const { imap, letter, submit, folder } = await desk(t);
  await imap.mailboxDelete('Sent');
  await submit(letter());
  assert.equal((await folder('Sent')).length, 1);
  const [sent] = (await imap.list()).filter(({ specialUse }) => specialUse === '\\Sent');
  assert.equal(sent?.path, 'Sent');
});

test('an office that wants no copies in Sent has none', async (t) => {
  const office = await trialOffice(t, { people: ['anna', 'ben'], config: '[submission]\nfileSent = false' });
  const { letter, submit, folder } = await desk(t, office, 'anna');
  await submit(letter());
  assert.deepEqual(await folder('Sent'), []);
});
