/** mbsync (isync): two-way synchronisation of an account and a tree of maildirs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deliverMany, numbered } from './client.ts';
import { contentsAt, Laptop, subjectsAt } from './laptop.ts';
import { Maildir } from './maildir.ts';
import { APPENDED_ONLY, assertSameMessages, ODD_MESSAGES, withoutTrace } from './odd-messages.ts';

test('mbsync signs in with every mechanism it has, with TLS, STARTTLS, and without on loopback', async (t) => {
  const laptop = await Laptop.open(t);
  if (laptop === undefined) return;
  for (const tls of ['IMAPS', 'STARTTLS', 'None'] as const) {
    for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'LOGIN']) {
      const listed = await laptop.mbsync(['-l', 'all'], { tls, mechanism });
      assert.match(listed, /^INBOX$/m);
      // LOGIN is the command of that name.
      if (mechanism !== 'LOGIN') assert.ok(listed.includes(`SASL mechanism ${mechanism}...`));
    }
  }
});

test('mbsync stays in step when its copy of what was sent takes the place of the server’s', async (t) => {
  const laptop = await Laptop.open(t);
  if (laptop === undefined) return;
  const { office } = laptop;
  const date = new Date().toUTCString().replace('GMT', '+0000');
  const letter = (body: string): string =>
    `From: <anna@office.test>\nTo: <ben@office.test>\nSubject: Sent\nDate: ${date}\nMessage-ID: <sent@laptop.test>\n\n${body}\n`;
  await office.submit({ from: 'anna', to: 'anna', raw: letter('Hello.').replaceAll('\n', '\r\n') });
  await laptop.sync();
  const sent = laptop.folder('Sent');
  assert.deepEqual(await sent.subjects(), ['Sent']); // the server's copy
  await sent.add(letter('Hello.\n'), 'S');
  await laptop.sync();
  await laptop.sync(); // the server's copy went when the laptop's came
  assert.deepEqual(await sent.subjects(), ['Sent']);
  const [copy = '', ...others] = await contentsAt(office, 'Sent');
  assert.deepEqual([copy.replace(/^X-TUID: .*\r\n/m, ''), ...others], [letter('Hello.\n').replaceAll('\n', '\r\n')]);
  await laptop.settled();
});

test('mbsync brings hundreds of messages to the laptop, and changes of both sides to the other', async (t) => {
  const laptop = await Laptop.open(t);
  if (laptop === undefined) return;
  const { office, inbox } = laptop;
  const [phone] = office.devices('anna', ['phone']);
  await deliverMany(office, 'anna', 300);
  await laptop.sync();
  assert.deepEqual(await inbox.subjects(), numbered(300));

  // On the laptop: new, deleted, flags. Meanwhile on the phone: the same with others; and more mail comes.
  await inbox.add('From: <anna@office.test>\nSubject: From the laptop\n\nHello.\n', 'FS');
  for (const number of [1, 2, 3]) await inbox.remove(await inbox.message(`Letter ${number}`));
  await inbox.flag(await inbox.message('Letter 4'), 'FRS');
  await inbox.flag(await inbox.message('Letter 5'), 'T'); // expunged by mbsync
  await phone.imap(async (session) => {
    await session.append('INBOX', 'Subject: From the phone\r\n\r\nHello.\r\n', '\\Answered');
    const uid = async (subject: string) => (await session.uids(`HEADER SUBJECT "${subject}"`))[0]!;
    await session.command(`UID STORE ${await uid('Letter 10')} +FLAGS (\\Seen \\Flagged)`);
    await session.command(`UID STORE ${await uid('Letter 11')} +FLAGS (\\Deleted)`);
    await session.command('EXPUNGE');
    await session.command(`UID STORE ${await uid('Letter 12')} +FLAGS (\\Deleted)`); // expunged by mbsync
  });
  await deliverMany(office, 'anna', 10, 'Late');
  await laptop.sync();

  const gone = [1, 2, 3, 5, 11, 12].map((number) => `Letter ${number}`);
  const expected = [...numbered(300), ...numbered(10, 'Late'), 'From the laptop', 'From the phone']
    .filter((subject) => !gone.includes(subject))
    .sort();
  assert.deepEqual(await inbox.subjects(), expected);
  assert.deepEqual(await subjectsAt(office, 'INBOX'), expected);
  assert.deepEqual(await subjectsAt(office, 'INBOX', 'SEEN FLAGGED'), ['From the laptop', 'Letter 10', 'Letter 4']);
  assert.deepEqual(await subjectsAt(office, 'INBOX', 'ANSWERED'), ['From the phone', 'Letter 4']);
  assert.equal((await inbox.message('Letter 10')).flags, 'FS');
  assert.equal((await inbox.message('From the phone')).flags, 'R');
  await laptop.settled();

  await office.restart();
  await laptop.settled();
});

test('mbsync makes, renames and removes folders on both sides', async (t) => {
  const laptop = await Laptop.open(t);
  if (laptop === undefined) return;
  const { office } = laptop;
  const [phone] = office.devices('anna', ['phone']);
  const own = ['Archive', 'Drafts', 'INBOX', 'Junk', 'Sent', 'Trash'];
  await phone.imap(async (session) => {
    await session.command('CREATE "Kund&AOQ-mter"'); // modified UTF-7
    await session.command('CREATE Projects');
    await session.append('Projects', 'Subject: Plan\r\n\r\n');
  });
  await laptop.sync();
  assert.deepEqual(await laptop.folders(), [...own, 'Kund&AOQ-mter', 'Projects'].sort());
  assert.deepEqual(await laptop.folder('Projects').subjects(), ['Plan']);

  await Maildir.create(laptop.home.path('mail', 'From the laptop'));
  await laptop.folder('From the laptop').add('Subject: Note\n\n');
  await phone.imap(async (session) => {
    await session.command('RENAME Projects Done');
    await session.append('Done', 'Subject: Report\r\n\r\n');
    await session.command('DELETE "Kund&AOQ-mter"');
  });
  // The old name holds mail at the laptop: mbsync leaves it to the person.
  await laptop.folder('Projects').remove(await laptop.folder('Projects').message('Plan'));
  await laptop.sync();
  assert.deepEqual(await laptop.folder('Done').subjects(), ['Plan', 'Report']);
  assert.deepEqual(await subjectsAt(office, 'From the laptop'), ['Note']);
  await laptop.settled();
});

test('mbsync carries odd messages both ways as they are', async (t) => {
  const laptop = await Laptop.open(t);
  if (laptop === undefined) return;
  const { office, inbox } = laptop;
  const [phone] = office.devices('anna', ['phone']);
  for (const raw of ODD_MESSAGES) await office.deliver({ to: 'anna', raw: Buffer.from(raw, 'latin1') });
  await phone.imap(async (session) => {
    for (const raw of APPENDED_ONLY) await session.append('INBOX', raw);
  });
  await laptop.sync();
  const far = await contentsAt(office, 'INBOX');
  assertSameMessages(
    far.map((content) => (content.startsWith('Return-Path:') ? withoutTrace(content) : content)),
    [...ODD_MESSAGES, ...APPENDED_ONLY],
  );
  assertSameMessages(
    (await inbox.messages()).map(({ content }) => withoutMark(content)),
    far.map(asMbsyncKeepsIt).filter(mbsyncTakes),
  );

  const sent = laptop.folder('Sent');
  const upward = [...ODD_MESSAGES, ...APPENDED_ONLY].map(asMbsyncKeepsIt).filter(mbsyncTakes);
  for (const message of upward) await sent.add(message, 'S');
  await laptop.sync();
  assertSameMessages(
    (await contentsAt(office, 'Sent')).map(withoutMark),
    upward.map((message) => message.replaceAll('\n', '\r\n')),
  );
  await laptop.settled();
});

/** mbsync marks what it carries. */
function withoutMark(content: string): string {
  return content.replace(/^X-TUID: [^\n]*\n/m, '');
}

/** mbsync drops every CR on the way to the laptop. */
function asMbsyncKeepsIt(content: string): string {
  return content.replaceAll('\r', '');
}

/** mbsync leaves out what has no blank line after the header. */
function mbsyncTakes(content: string): boolean {
  return content.includes('\n\n');
}
