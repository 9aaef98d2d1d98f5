import assert from 'node:assert/strict';
import { test } from 'node:test';
import { trialOffice } from '../helpers/office.ts';

test('a delivered message is read over POP3 and IMAP, byte for byte the same', async (t) => {
  const office = await trialOffice(t, { people: ['anna', 'ben'] });
  await office.deliver({ to: ['anna', 'ben'], subject: 'Invoice', text: 'Please pay.\n.\nThank you.' });
  const [laptop, phone] = office.devices('anna', ['laptop', 'phone']);

  assert.deepEqual(await laptop.pop3((session) => session.subjects()), ['Invoice']);
  const overPop3 = await laptop.pop3((session) => session.retr(1));
  const overImap = await phone.imap(async (session) => session.content((await session.uids())[0]!));

  assert.equal(overPop3, overImap);
  assert.match(overImap, /\r\n\r\nPlease pay\.\r\n\.\r\nThank you\.\r\n$/);
});

test('what was acknowledged is there after the server was killed', async (t) => {
  const office = await trialOffice(t, { people: ['anna'] });
  const [laptop] = office.devices('anna', ['laptop']);
  await office.deliver({ to: 'anna', subject: 'One' });
  await laptop.imap((session) => session.append('INBOX', 'Subject: Two\r\n\r\n2\r\n', '\\Seen'));

  await office.kill();
  await office.start();

  assert.deepEqual(await laptop.pop3((session) => session.subjects()), ['One', 'Two']);
  assert.deepEqual(await laptop.imap((session) => session.uids('SEEN')), [2]);
});

test('SIGTERM ends the server with exit code 0, and open sessions are told', async (t) => {
  const office = await trialOffice(t, { config: '[timeouts]\nshutdown = "1s"' });
  const [phone] = office.devices('anna', ['phone']);
  await phone
    .imap(async (session) => {
      const rest = session.rest();
      assert.equal(await office.stop(), 0);
      assert.match(await rest, /\* BYE /);
    })
    .catch((error: Error) => assert.match(error.message, /ended/)); // LOGOUT finds nobody
});
