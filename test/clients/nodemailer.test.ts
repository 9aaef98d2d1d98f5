/** nodemailer: composes mail and submits it. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import type { MessageStructureObject } from 'imapflow';
import { createTransport } from 'nodemailer';
import type SMTPTransport from 'nodemailer/lib/smtp-transport/index.js';
import { defer } from '../helpers/defer.ts';
import { PASSWORD, type TrialOffice } from '../helpers/office.ts';
import { type ClientHome, clientOffice, numbered } from './client.ts';
import { connect } from './imap-client.ts';
import { withoutTrace } from './odd-messages.ts';

type Service = 'smtp' | 'lmtp' | 'submission' | 'submissions';

/** Options for a service of the office, signed in as anna where one signs in. */
async function reach(office: TrialOffice, home: ClientHome, service: Service): Promise<SMTPTransport.Options> {
  return {
    host: 'localhost',
    port: office.port(service),
    secure: service === 'submissions',
    requireTLS: service === 'submission',
    lmtp: service === 'lmtp',
    tls: { ca: await readFile(home.ca) },
    ...(service.startsWith('sub') && { auth: { user: office.address('anna'), pass: PASSWORD } }),
  };
}

test('nodemailer submits with every mechanism it has, with TLS, STARTTLS, and without on loopback', async (t) => {
  const { office, home } = await clientOffice(t);
  const [laptop] = office.devices('anna', ['laptop']);
  const sent: string[] = [];
  for (const service of ['submissions', 'submission'] as const) {
    for (const tls of service === 'submission' ? [true, false] : [true]) {
      for (const authMethod of ['PLAIN', 'LOGIN']) {
        const options = await reach(office, home, service);
        const transport = createTransport({
          ...options,
          authMethod,
          requireTLS: tls && !options.secure,
          ignoreTLS: !tls,
        });
        sent.push(`${authMethod} ${service} ${tls}`);
        await transport.sendMail({ from: 'anna@office.test', to: 'anna@office.test', subject: sent.at(-1)! });
      }
    }
  }
  assert.deepEqual(await laptop.pop3((session) => session.subjects()), sent);
});

test('what nodemailer attaches comes back as it was, part by part', async (t) => {
  const { office, home } = await clientOffice(t, { people: ['anna', 'ben'] });
  const photo = randomBytes(200_000);
  const raw = await createTransport({ streamTransport: true, buffer: true, newline: 'windows' }).sendMail({
    from: 'Anna <anna@office.test>',
    to: ['ben@office.test', 'Anna <anna@office.test>'],
    subject: 'Gr\u00fc\u00dfe \u{1f4e7} from Anna',
    text: 'Plain text.\n.\n..\n',
    html: '<p>With a picture <img src="cid:photo"></p>',
    attachments: [
      { filename: '\u00dcbersicht \u65e5\u672c.jpg', content: photo, cid: 'photo' },
      { filename: 'table.csv', content: 'a;b\n1;2\n' },
      { filename: 'forwarded.eml', content: 'Subject: Inner\r\n\r\nInner text.\r\n', contentType: 'message/rfc822' },
    ],
  });
  const composed = raw.message as Buffer;
  await createTransport(await reach(office, home, 'submissions')).sendMail({ envelope: raw.envelope, raw: composed });

  for (const person of ['anna', 'ben']) {
    const imap = await connect(t, office, home, 'imaps', { person });
    await imap.mailboxOpen('INBOX');
    const message = await imap.fetchOne('1', { source: true, envelope: true, bodyStructure: true });
    assert.ok(message);
    assert.equal(withoutTrace(message.source!.toString('latin1')), composed.toString('latin1'));
    assert.equal(message.envelope!.subject, 'Gr\u00fc\u00dfe \u{1f4e7} from Anna');
    const attached = parts(message.bodyStructure!);
    const picture = attached.find(({ type }) => type === 'image/jpeg')!;
    const { meta, content } = await imap.download('1', picture.part);
    assert.equal(meta!.filename, '\u00dcbersicht \u65e5\u672c.jpg');
    assert.deepEqual(await buffer(content!), photo);
    const inner = attached.find(({ type }) => type === 'message/rfc822')!;
    assert.equal(inner.envelope!.subject, 'Inner');
    await imap.logout();
  }
});

test('nodemailer sends many messages on few connections that stay', async (t) => {
  const { office, home } = await clientOffice(t);
  const options = await reach(office, home, 'submission');
  const transport = createTransport({ ...options, pool: true, maxConnections: 3, maxMessages: 50 });
  defer(t, () => transport.close());
  const to = 'anna@office.test';
  await Promise.all(numbered(100).map((subject) => transport.sendMail({ from: to, to, subject, text: 'Hello.' })));
  const [laptop] = office.devices('anna', ['laptop']);
  assert.deepEqual((await laptop.pop3((session) => session.subjects())).sort(), numbered(100));
});

test('nodemailer is told which recipients are refused, and the others get their mail', async (t) => {
  const { office, home } = await clientOffice(t, { people: ['anna', 'ben'] });
  const transport = createTransport(await reach(office, home, 'submission'));
  const from = 'anna@office.test';
  const some = await transport.sendMail({ from, to: ['ben@office.test', 'nobody@office.test', 'x@example.org'] });
  assert.deepEqual([some.accepted, some.rejected], [['ben@office.test'], ['nobody@office.test', 'x@example.org']]);
  await assert.rejects(transport.sendMail({ from, to: 'nobody@office.test' }), { responseCode: 550 });
  const [laptop] = office.devices('ben', ['laptop']);
  assert.equal((await laptop.pop3((session) => session.subjects())).length, 1);
});

test('nodemailer asks for delivery status notifications, which the office does not offer, and delivers without', async (t) => {
  const { office, home } = await clientOffice(t);
  const transport = createTransport(await reach(office, home, 'submissions'));
  const dsn = { id: 'some', return: 'headers', notify: ['success', 'failure'], recipient: 'anna@office.test' } as const;
  const mail = { from: 'anna@office.test', to: 'anna@office.test', subject: 'Hello' };
  const { accepted } = await transport.sendMail({ ...mail, dsn: { ...dsn, notify: [...dsn.notify] } });
  assert.deepEqual(accepted, ['anna@office.test']);
});

test('nodemailer sends from an address in letters of the world', async (t) => {
  const { office, home } = await clientOffice(t);
  const mail = { from: 'j\u00fcrgen@b\u00fccher.example', to: 'anna@office.test', subject: 'Hallo' };
  for (const service of ['smtp', 'lmtp'] as const) {
    await createTransport(await reach(office, home, service)).sendMail(mail);
  }
  const [laptop] = office.devices('anna', ['laptop']);
  const messages = await laptop.pop3((session) => session.all());
  assert.equal(messages.length, 2);
  for (const message of messages) assert.match(message, /^Return-Path: <j\xc3\xbcrgen@/);
});

/** A part and all within it. */
function parts(part: MessageStructureObject): MessageStructureObject[] {
  return [part, ...(part.childNodes ?? []).flatMap(parts)];
}
