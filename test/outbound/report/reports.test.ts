/** What senders read of their mail that left: real reports in a real INBOX. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { LANGUAGES } from '../../../src/config/languages.ts';
import { analyse } from '../../../src/message/analyser.ts';
import { TEXTS } from '../../../src/outbound/report/languages/all.ts';
import { srsOf } from '../../../src/signing/signing.ts';
import { nowSeconds, type QueueId } from '../../../src/store/ids.ts';
import { message } from '../../store/helpers.ts';
import { WritingRoom } from './writing-room.ts';

/** What Python's email package makes of a report. */
interface Read {
  readonly types: readonly string[];
  readonly header: Fields<
    'from' | 'to' | 'subject' | 'in-reply-to' | 'return-path' | 'auto-submitted' | 'content-type'
  >;
  readonly text: string;
  /** The fields of the message, then of each recipient. */
  readonly status: readonly Status[];
  readonly defects: readonly string[];
}

type Fields<Name extends string> = Readonly<Partial<Record<Name, string | undefined>>>;
type Status = Fields<
  | 'Original-Envelope-Id'
  | 'Original-Recipient'
  | 'Action'
  | 'Remote-MTA'
  | 'Status'
  | 'Diagnostic-Code'
  | 'Will-Retry-Until'
  | 'Arrival-Date'
  | 'Last-Attempt-Date'
>;

const READ_REPORT = `
import email, email.policy, json, sys
report = email.message_from_binary_file(sys.stdin.buffer, policy=email.policy.default)
text, status = list(report.iter_parts())[:2]
fields = [dict(each.items()) for each in status.get_payload()]
print(json.dumps({
  "types": [part.get_content_type() for part in report.walk()],
  "header": {name.lower(): str(value) for name, value in report.items()},
  "text": text.get_content(),
  "status": fields,
  "defects": [repr(defect) for part in report.walk() for defect in part.defects],
}))`;

function read(report: Buffer): Read {
  // A shell on the way complains of a locale that is not installed.
  const env = { ...process.env, LC_ALL: 'C.UTF-8' };
  const { stdout, stderr } = spawnSync('python3', ['-c', READ_REPORT], { input: report, encoding: 'utf8', env });
  assert.equal(stderr, '');
  return JSON.parse(stdout) as Read;
}

/** The types of a report's parts as our own reader sees them. */
function partsOf(report: Buffer): string[] {
  return analyse(report).root.parts!.map(({ type, subtype }) => `${type}/${subtype}`);
}

const TIME: Status = { 'Arrival-Date': undefined, 'Last-Attempt-Date': undefined };

test('a report says what happened for people and for programs, and gives the message back', async (t) => {
  const room = await WritingRoom.open(t);
  const dora = { address: 'dora@example.org', original: 'rfc822;dora@old.example' };
  const id = await room.send({ to: ['carl@example.net', dora], outbound: { options: { envelopeId: 'Offer 17' } } });
  await room.settle(id, ({ address }) =>
    address === 'dora@example.org'
      ? { said: { reply: 552, status: '5.2.2', text: 'full', theirs: true }, peer: 'mx.dora [::1]' }
      : {},
  );
  const [report] = await room.inbox();
  assert.deepEqual(partsOf(report!), ['text/plain', 'message/delivery-status', 'message/rfc822']);
  assert.ok(report!.includes(message('Offer')), 'the message is in it byte for byte');
  const { types, header, text, status, defects } = read(report!);
  assert.deepEqual(defects, []);
  assert.deepEqual(types.slice(0, 3), ['multipart/report', 'text/plain', 'message/delivery-status']);
  assert.equal(header['return-path'], '<>');
  assert.equal(header.from, 'Mail system <postmaster@office.test>');
  assert.equal(header.to, 'anna at the office <anna@office.test>');
  assert.equal(header.subject, 'Not delivered: Offer');
  assert.equal(header['in-reply-to'], '<Offer@office.test>');
  assert.equal(header['auto-submitted'], 'auto-replied');
  assert.match(header['content-type']!, /^multipart\/report; report-type="?delivery-status"?;/);
  assert.match(
    text,
    /^Your message could not be delivered to these addresses:\n\n {2}carl@example.net\n {4}There is nobody/,
  );
  assert.match(
    text,
    /\n {2}dora@example.org\n {4}The mailbox of the recipient is full\..*\n {4}The server mx.dora \[::1\] answered: 552 5.2.2 full\n/,
  );
  const [ofMessage, carl, ofDora] = status.map((fields): Status => ({ ...fields, ...TIME }));
  assert.deepEqual(ofMessage, {
    'Original-Envelope-Id': 'Offer 17',
    'Reporting-MTA': 'dns; mail.office.test',
    ...TIME,
  });
  assert.deepEqual(carl, {
    'Final-Recipient': 'rfc822; carl@example.net',
    Action: 'failed',
    Status: '5.1.1',
    'Remote-MTA': 'dns; mx.example.net',
    'Diagnostic-Code': 'smtp; 550 5.1.1 no such user',
    ...TIME,
  });
  assert.equal(ofDora!['Original-Recipient'], 'rfc822; dora@old.example');
  assert.equal((await room.store.queue.size()).messages, 0);
});

test('people read reports in their language, in header and text', async (t) => {
  const room = await WritingRoom.open(t);
  for (const [at, language] of LANGUAGES.entries()) {
    room.speak(language);
    await room.settle(await room.send({ to: ['carl@example.net'] }), () => ({}));
    const report = (await room.inbox())[at]!;
    const { header, text, defects } = read(report);
    const { writer, subject, opening, reasons, attached } = TEXTS[language];
    assert.deepEqual(defects, []);
    assert.equal(header.from, `${writer} <postmaster@office.test>`);
    assert.equal(header.subject, subject.failed.replace('{subject}', 'Offer'));
    assert.ok(text.startsWith(`${opening.failed.one}\n\n  carl@example.net\n    ${reasons.unknownAddress}\n`), text);
    assert.ok(text.endsWith(`\n\n${attached.whole}\n`), text);
    assert.ok(report.includes(`\r\nContent-Language: ${language}\r\n`));
  }
});

test('a report that mail takes long says until when it is tried, and gives back the header alone', async (t) => {
  const room = await WritingRoom.open(t);
  const expires = nowSeconds() + 86_400;
  const id = await room.send({ to: ['carl@example.net'], outbound: { expires } });
  const said = { reply: 451, status: '4.4.1', text: 'connection timed out' };
  await room.settle(id, () => ({ kind: 'delayed', said, peer: '' }));
  const [report] = await room.inbox();
  assert.deepEqual(partsOf(report!), ['text/plain', 'message/delivery-status', 'text/rfc822-headers']);
  assert.ok(!report!.includes('Hello.'));
  const { header, text, status } = read(report!);
  assert.equal(header.subject, 'Not delivered yet: Offer');
  assert.match(text, /could not be reached\.\n {4}In detail: connection timed out\n\nIt is tried until /);
  assert.equal(status[1]!.Action, 'delayed');
  assert.equal(status[1]!['Diagnostic-Code'], 'x-rainmail; connection timed out');
  assert.equal(status[1]!['Will-Retry-Until'], new Date(expires * 1_000).toUTCString().replace('GMT', '+0000'));
  assert.equal((await room.store.queue.size()).messages, 1);
});

test('what was tried in vain to the end says for how long', async (t) => {
  const room = await WritingRoom.open(t);
  const id = await room.send({ to: ['carl@example.net'] });
  const { message: queued, recipients } = (await room.store.queue.message(id))!;
  const said = { reply: 452, status: '4.2.2', text: 'over quota', theirs: true } as const;
  const long = { ...queued, created: nowSeconds() - 5 * 86_400 };
  const outcomes = [
    {
      recipient: recipients[0]!,
      kind: 'failed',
      said,
      peer: 'mx.example.net [192.0.2.1]',
      relaysNotices: false,
      unasked: true,
    },
  ] as const;
  const report = await room.reports.report(long, outcomes);
  await room.store.deliver(report!.message, report!.targets);
  const { text, status } = read((await room.inbox())[0]!);
  assert.match(text, /\n {4}It was tried for 5 days, and is not tried any more\.\n/);
  const { Status: code, 'Remote-MTA': remote, 'Diagnostic-Code': diagnostic, 'Last-Attempt-Date': last } = status[1]!;
  assert.deepEqual([code, remote, diagnostic], ['4.2.2', 'dns; mx.example.net', 'smtp; 452 4.2.2 over quota']);
  assert.equal(last, undefined); // it was not tried now
});

test('what this server says of another one is not told as that one’s answer', async (t) => {
  const room = await WritingRoom.open(t);
  const id = await room.send({ to: ['carl@example.net'] });
  const said = { reply: 552, status: '5.3.4', text: 'a message may have 10 bytes there, and this one has 20' };
  await room.settle(id, () => ({ said }));
  const { text, status } = read((await room.inbox())[0]!);
  assert.match(text, /\n {4}In detail: mx\.example\.net \[192\.0\.2\.1\]: a message may have 10 bytes there/);
  assert.equal(status[1]!['Remote-MTA'], 'dns; mx.example.net');
  assert.equal(status[1]!['Diagnostic-Code'], `x-rainmail; ${said.text}`);
});

test('a status that contradicts the reply is set right, and the reply told as it was', async (t) => {
  const room = await WritingRoom.open(t);
  const said = { reply: 550, status: '4.2.1', text: 'disabled', theirs: true } as const;
  await room.settle(await room.send({ to: ['carl@example.net'] }), () => ({ said, peer: '192.0.2.1 [192.0.2.1]' }));
  const {
    Status: code,
    'Remote-MTA': remote,
    'Diagnostic-Code': diagnostic,
  } = read((await room.inbox())[0]!).status[1]!;
  assert.deepEqual([code, remote, diagnostic], ['5.2.1', 'dns; [192.0.2.1]', 'smtp; 550 4.2.1 disabled']);
});

test('senders hear of what they asked for, and of nothing else', async (t) => {
  const room = await WritingRoom.open(t);
  const said = { reply: 250, status: '2.0.0', text: 'taken' };
  const cases = [
    { notify: ['never'], outcome: {}, hears: undefined },
    { notify: ['success'], outcome: {}, hears: undefined },
    { notify: ['success', 'delay'], outcome: { kind: 'delayed' }, hears: 'delayed' },
    { notify: ['failure'], outcome: { kind: 'delayed' }, hears: undefined },
    { notify: ['failure'], outcome: {}, hears: 'failed' },
    { notify: [], outcome: { kind: 'sent', said }, hears: undefined },
    { notify: ['success'], outcome: { kind: 'sent', said }, hears: 'relayed' },
    { notify: ['success'], outcome: { kind: 'sent', said, relaysNotices: true }, hears: undefined },
    { notify: ['failure', 'delay'], outcome: { kind: 'deferred' }, hears: undefined },
  ] as const;
  for (const { notify, outcome, hears } of cases) {
    const before = (await room.inbox()).length;
    await room.settle(await room.send({ to: [{ address: 'carl@example.net', notify }] }), () => outcome);
    const [report] = (await room.inbox()).slice(before);
    const action = report && read(report).status[1]!.Action;
    assert.equal(action, hears, JSON.stringify({ notify, outcome }));
  }
});

test('who sends with an address that is nobody’s here hears of it', async (t) => {
  const room = await WritingRoom.open(t);
  await room.directory.by('the test').aliases.add('info@office.test', 'info@elsewhere.example');
  for (const sender of ['gone@office.test', 'anna@elsewhere.example', 'info@office.test']) {
    const outbound = { sender, options: { ours: true as const } };
    await room.settle(await room.send({ to: ['carl@example.net'], outbound }), () => ({}));
  }
  assert.equal((await room.inbox()).length, 3);
});

test('nobody hears of a report, nor who is not here', async (t) => {
  const room = await WritingRoom.open(t);
  for (const sender of ['', 'gone@office.test', 'somebody@example.com', 'SRS0=wrong=aa=example.com=zoe@office.test']) {
    await room.settle(await room.send({ to: ['carl@example.net'], outbound: { sender } }), () => ({}));
  }
  assert.deepEqual(await room.inbox(), []);
  assert.equal((await room.store.queue.size()).messages, 0);
});

test('mail of an account that was removed comes to its end, and nobody hears of it', async (t) => {
  const room = await WritingRoom.open(t);
  const by = room.directory.by('the test');
  const account = room.id('ben@office.test');
  const sent: QueueId[] = [];
  for (const sender of ['ben@office.test', 'info@elsewhere.example']) {
    sent.push(await room.send({ to: ['carl@example.net'], outbound: { account, sender, options: { ours: true } } }));
  }
  await by.accounts.remove('ben@office.test');
  for (const id of sent) await room.settle(id, () => ({}));
  assert.deepEqual(await room.inbox(), []);
  assert.equal((await room.store.queue.size()).messages, 0);
});

test('a mailbox that is full gets its reports', async (t) => {
  const room = await WritingRoom.open(t);
  await room.directory.by('the test').quotas.set({ scope: 'account', name: 'anna@office.test' }, 1);
  await room.settle(await room.send({ to: ['carl@example.net'] }), () => ({}));
  assert.equal((await room.inbox()).length, 1);
});

test('who wrote in the name of several hears of it alone; when somebody else did, all of them do', async (t) => {
  const room = await WritingRoom.open(t);
  const [anna, ben] = ['anna@office.test', 'ben@office.test'];
  await room.directory.by('the test').aliases.add('info@office.test', anna, ben);
  const outbound = { sender: 'info@office.test' };
  await room.settle(await room.send({ to: ['carl@example.net'], outbound }), () => ({}));
  assert.deepEqual([(await room.inbox(anna)).length, (await room.inbox(ben)).length], [1, 0]);
  await room.join('cleo@office.test', 'Cleo');
  const forwarded = { ...outbound, account: room.id('cleo@office.test') };
  await room.settle(await room.send({ to: ['carl@example.net'], outbound: forwarded }), () => ({}));
  assert.deepEqual([(await room.inbox(anna)).length, (await room.inbox(ben)).length], [2, 1]);
});

test('who reads mail elsewhere reads there what became of mail sent from here; a forwarding that fails is told of here', async (t) => {
  const room = await WritingRoom.open(t);
  const [anna, ben, home] = ['anna@office.test', 'ben@office.test', 'anna@home.test'];
  const { forwarding } = room.directory.by('the test');
  const leaving = async () => {
    const pages = await Array.fromAsync(room.store.queue.pages());
    return pages.flat().map(({ address, destination, notify }) => [address, destination, notify.join()]);
  };
  await forwarding.set(anna, [home, ben], { keeps: false });
  await room.settle(await room.send({ to: ['carl@example.net'] }), () => ({}));
  assert.deepEqual(await leaving(), [[home, 'home.test', 'never']]);
  assert.deepEqual([(await room.inbox(anna)).length, (await room.inbox(ben)).length], [0, 1]);
  const [[waiting] = []] = await Array.fromAsync(room.store.queue.pages());
  const { message: report } = (await room.store.queue.message(waiting!.id))!;
  assert.deepEqual([report.sender, report.prefix.toString()], ['', 'Delivered-To: anna@office.test\r\n']);
  await room.settle(report.id, () => ({}));

  const outbound = { prefix: Buffer.from('Delivered-To: anna@office.test\r\n') };
  await room.settle(await room.send({ to: [home], outbound }), () => ({}));
  assert.deepEqual([(await room.inbox(anna)).length, await leaving()], [1, []]);

  await forwarding.set(anna, [home], { keeps: true });
  await room.settle(await room.send({ to: ['carl@example.net'] }), () => ({}));
  assert.deepEqual([(await room.inbox(anna)).length, (await leaving()).length], [2, 1]);
});

test('who reads mail elsewhere has reports here while nothing can leave', async (t) => {
  const room = await WritingRoom.open(t, { outgoing: undefined });
  const by = room.directory.by('the test');
  await by.aliases.add('desk@office.test', 'desk@elsewhere.example');
  await by.forwarding.set('anna@office.test', ['desk@office.test'], { keeps: false });
  await room.settle(await room.send({ to: ['carl@example.net'] }), () => ({}));
  assert.equal((await room.inbox()).length, 1);
});

test('of what was forwarded a report goes back the way by which it came, with the null sender', async (t) => {
  const room = await WritingRoom.open(t);
  const sender = await srsOf(room.directory).forward('zoe@example.com', 'anna@office.test');
  assert.match(sender, /^srs0=.*@office\.test$/i);
  const secret = { sender, options: { requireTls: true } };
  await room.settle(await room.send({ to: ['carl@example.net'], outbound: secret }), () => ({}));
  const [[waiting] = []] = await Array.fromAsync(room.store.queue.pages());
  assert.deepEqual(
    [waiting!.address, waiting!.destination, waiting!.notify],
    ['zoe@example.com', 'example.com', ['never']],
  );
  const { message: report } = (await room.store.queue.message(waiting!.id))!;
  assert.equal(report.sender, '');
  const [record] = await room.store.emails(report.account, [report.email]);
  const bytes = await room.store.bodies.whole(report.account, report.email, record!.body);
  // RFC 8689 5: what may only cross the network encrypted is not in it.
  assert.deepEqual(partsOf(bytes), ['text/plain', 'message/delivery-status']);
  assert.match(bytes.toString(), /\r\nSubject: Not delivered: \(no subject\)\r\n/);
});

test('a sender is told of the address that the mail was sent to, not of the one it went on to', async (t) => {
  const room = await WritingRoom.open(t);
  const prefix = Buffer.from('Delivered-To: ben@office.test\r\n');
  const said = { reply: 550, status: '5.1.1', text: 'there is no secret@home.test' };
  await room.settle(await room.send({ to: ['secret@home.test'], outbound: { prefix } }), () => ({ said }));
  await room.settle(await room.send({ to: ['secret@home.test'] }), () => ({ said }));
  const [onward, direct] = (await room.inbox()).map(String);
  assert.doesNotMatch(onward!, /home\.test|mx\.example|spelling/);
  assert.match(onward!, /\r\n {2}ben@office\.test\r\n/);
  assert.match(onward!, /Final-Recipient: rfc822; ben@office\.test\r\nAction: failed\r\nStatus: 5\.0\.0\r\n/);
  assert.match(direct!, /secret@home\.test/);

  // Who looks after a group may know who is in it.
  const outbound = { prefix: Buffer.from('Delivered-To: board@office.test\r\n'), sender: 'postmaster@office.test' };
  await room.settle(await room.send({ to: ['secret@home.test'], outbound }), () => ({ said }));
  assert.match(String((await room.inbox()).at(-1)), /Final-Recipient: rfc822; secret@home\.test\r\n/);
});

test('whoever keeps copies of what they forward hears once a day of each address that fails; else the sender hears each time', async (t) => {
  const room = await WritingRoom.open(t);
  const prefix = Buffer.from('Delivered-To: anna@office.test\r\n');
  const fails = async (to: string, copyStays: boolean, kind: 'failed' | 'delayed' = 'failed') => {
    const outbound = { prefix, options: copyStays ? { copyStays: true as const } : {} };
    await room.settle(await room.send({ to: [to], outbound }), () => ({ kind }));
    return (await room.inbox()).length;
  };
  const counts: number[] = [];
  for (let message = 0; message < 3; message++) counts.push(await fails('anna@home.test', true));
  counts.push(await fails('anna@elsewhere.test', true), await fails('anna@home.test', true, 'delayed'));
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 86_400_000 });
  counts.push(await fails('anna@home.test', true), await fails('anna@home.test', true));
  counts.push(await fails('anna@home.test', false), await fails('anna@home.test', false));
  assert.deepEqual(counts, [1, 1, 1, 2, 3, 4, 4, 5, 6]);
});

test('the message is given back as the sender asked, within bounds', async (t) => {
  const room = await WritingRoom.open(t);
  const large = message('Large', 200_000);
  const cases = [
    { options: { returns: 'headers' }, bytes: message('Small'), given: 'text/rfc822-headers' },
    { options: {}, bytes: message('Small'), given: 'message/rfc822' },
    { options: {}, bytes: large, given: 'text/rfc822-headers' },
    { options: { returns: 'full' }, bytes: large, given: 'message/rfc822' },
    { options: { returns: 'full', requireTls: true }, bytes: message('Small'), given: 'text/rfc822-headers' },
  ] as const;
  for (const [at, { options, bytes, given }] of cases.entries()) {
    await room.settle(await room.send({ to: ['carl@example.net'], bytes, outbound: { options } }), () => ({}));
    const report = (await room.inbox())[at]!;
    assert.equal(partsOf(report)[2], given);
    assert.equal(report.includes(bytes), given === 'message/rfc822');
  }
});

test('addresses of every language are told as they are written', async (t) => {
  const room = await WritingRoom.open(t);
  const bytes = Buffer.from(
    'From: Anna <anna@office.test>\r\nTo: <jürgen@bücher.example>\r\nSubject: Grüße\r\n\r\nHallo\r\n',
  );
  const outbound = { options: { utf8: true } };
  await room.settle(await room.send({ to: ['jürgen@bücher.example'], bytes, outbound }), () => ({}));
  const [report] = await room.inbox();
  assert.deepEqual(partsOf(report!), ['text/plain', 'message/global-delivery-status', 'message/global']);
  assert.ok(report!.includes('\r\nFinal-Recipient: utf-8; jürgen@bücher.example\r\n'));
  assert.ok(report!.includes(bytes));
  const header = { ...outbound, options: { utf8: true, returns: 'headers' as const } };
  await room.settle(await room.send({ to: ['jürgen@bücher.example'], bytes, outbound: header }), () => ({}));
  assert.equal(partsOf((await room.inbox())[1]!)[2], 'message/global-headers');
});

test('nothing that a server or a sender says makes a line of its own', async (t) => {
  const room = await WritingRoom.open(t);
  const bytes = Buffer.from('Subject: =?utf-8?Q?a=0D=0AX-Evil:_1?=\r\n\r\nx\r\n');
  const text = 'no\r\nAction: delivered\r\n\r\nFinal-Recipient: rfc822; ü@x';
  const id = await room.send({ to: ['carl@example.net'], bytes, outbound: { options: { envelopeId: 'a\r\nb: c' } } });
  await room.settle(id, () => ({ said: { reply: 550, status: '5.7.1', text, theirs: true } }));
  const { status, header } = read((await room.inbox())[0]!);
  assert.equal(status.length, 2);
  assert.equal(status[0]!['Original-Envelope-Id'], 'a b: c');
  assert.equal(status[1]!.Action, 'failed');
  assert.equal(status[1]!['Diagnostic-Code'], 'smtp; 550 5.7.1 no Action: delivered Final-Recipient: rfc822; ?@x');
  assert.ok(!('x-evil' in header));
});

test('a message that is not there any more is told of all the same', async (t) => {
  const room = await WritingRoom.open(t);
  const id = await room.send({ to: ['carl@example.net'] });
  const { message: queued, recipients } = (await room.store.queue.message(id))!;
  const said = { reply: 550, status: '', text: '' };
  const outcomes = [{ recipient: recipients[0]!, kind: 'failed', said, peer: 'mx', relaysNotices: false }] as const;
  const report = await room.reports.report({ ...queued, email: 99_999 as typeof queued.email }, outcomes);
  await room.store.deliver(report!.message, report!.targets);
  const { status, header } = read((await room.inbox())[0]!);
  assert.equal(header.subject, 'Not delivered: (no subject)');
  assert.equal(status[1]!.Status, '5.0.0');
});
