/** Who may post to a group: every rule, for everybody who may try, over real SMTP, LMTP and submission. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MailRoom, mailRoom, PASSWORD } from '../helpers/mail-room.ts';
import { saslPlain } from '../helpers/sasl-plain.ts';

/** Anna and Chris, who is elsewhere, are members; Ben is of the office. `+`: signed in, `~`: handed over by LMTP. */
const POSTERS = [
  '+anna@office.test',
  '+anna.lee@office.test', // her alias
  '+ben@office.test',
  '~anna@office.test',
  '~anna.lee+x@office.test',
  '~ben@office.test',
  '~nobody@office.test',
  'anna@office.test',
  'ben@office.test',
  'chris@home.test',
  'CHRIS@Home.test',
  'boss@club.test',
  'sam@far.test',
  '',
] as const;

const ALL = new Set<string>(POSTERS);
const ANNA = ['+anna@office.test', '+anna.lee@office.test', '~anna@office.test', '~anna.lee+x@office.test'];
const BEN = ['+ben@office.test', '~ben@office.test'];
const CHRIS = ['chris@home.test', 'CHRIS@Home.test'];

/** What was said, and who may post by it. */
const RULES: readonly (readonly [who: string, may: ReadonlySet<string>])[] = [
  ['anyone', ALL],
  ['members', new Set([...ANNA, ...CHRIS])],
  ['members boss@club.test', new Set([...ANNA, ...CHRIS, 'boss@club.test'])],
  ['people', new Set([...ANNA, ...BEN])],
  ['People Boss@Club.test', new Set([...ANNA, ...BEN, 'boss@club.test'])],
  ['boss@club.test ben@office.test', new Set([...BEN, 'boss@club.test'])],
];

const outgoing = {
  destinationOf: (address: string) => address.slice(address.indexOf('@') + 1),
  times: (from: number) => ({ warn: from, expires: from }),
  wake: () => {},
};

async function reply(room: MailRoom, poster: string): Promise<string> {
  const from = poster.replace(/^[+~]/, '');
  const service = poster.startsWith('+') ? 'submission' : poster.startsWith('~') ? 'lmtp' : 'smtp';
  const client = await room.connect(service);
  await client.ask(service === 'lmtp' ? 'LHLO test' : 'EHLO test');
  if (service === 'submission') {
    const account = from.startsWith('ben') ? 'ben' : 'anna';
    await client.ask(`AUTH PLAIN ${saslPlain(`${account}@office.test`, PASSWORD)}`);
  }
  assert.match(await client.ask(`MAIL FROM:<${from}>`), /^250 /);
  const answer = await client.ask('RCPT TO:<sales@office.test>');
  await client.ask('QUIT');
  return answer;
}

test('a group takes mail from those whom its rule names, and from nobody else', async (t) => {
  const room = await mailRoom(t, { outgoing });
  const changes = room.directory.by('the test');
  await changes.aliases.add('anna.lee@office.test', 'anna@office.test');
  await changes.groups.add('Sales', { address: 'sales@office.test' });
  await changes.groups.join('Sales', 'anna@office.test', 'chris@home.test');
  const taken = async () => {
    const may: string[] = [];
    for (const poster of POSTERS) {
      const answer = await reply(room, poster);
      if (answer.startsWith('250 ')) may.push(poster);
      else assert.match(answer, /^550 5\.7\.2 .*sales@office\.test/, poster);
    }
    return may;
  };
  for (const [who, may] of RULES) {
    await changes.groups.setPosting('Sales', who.split(' '));
    assert.deepEqual(
      await taken(),
      POSTERS.filter((poster) => may.has(poster)),
      who,
    );
  }
});

test('a rule that says nothing, or two things, is refused', async (t) => {
  const { directory } = await mailRoom(t, { people: ['anna'] });
  const changes = directory.by('the test');
  await changes.groups.add('Sales', { address: 'sales@office.test' });
  for (const wrong of [['anyone', 'people'], ['named'], ['everybody'], ['a@b@c']]) {
    await assert.rejects(changes.groups.setPosting('Sales', wrong), { name: 'Refused' }, wrong.join(' '));
  }
  await assert.rejects(changes.groups.setPosting('Shop', ['anyone']), { code: 'directory.missing' });
});

test('a rule that changes between RCPT and the message holds', async (t) => {
  const room = await mailRoom(t);
  const changes = room.directory.by('the test');
  await changes.groups.add('Sales', { address: 'sales@office.test' });
  await changes.groups.join('Sales', 'anna@office.test');
  const client = await room.connect('smtp');
  client.send('EHLO x\r\nMAIL FROM:<sam@far.test>\r\nRCPT TO:<sales@office.test>\r\nDATA\r\n');
  await client.until('354');
  await client.reply();
  await changes.groups.setPosting('Sales', ['people']);
  client.send('Subject: hello\r\n\r\nHello.\r\n.\r\n');
  assert.match(await client.reply(), /^550 5\.7\.2 .*only people of this office/);
  assert.equal((await room.inbox('anna')).length, 0);
});

test('nothing is forwarded to a group that not everybody may post to', async (t) => {
  const room = await mailRoom(t);
  const changes = room.directory.by('the test');
  await changes.groups.add('Sales', { address: 'sales@office.test' });
  await changes.groups.join('Sales', 'ben@office.test');
  await changes.forwarding.set('anna@office.test', ['sales@office.test'], { keeps: false });
  await room.deliver('anna', 'Subject: one\n\nOne.\n');
  await changes.groups.setPosting('Sales', ['people']);
  await room.deliver('anna', 'Subject: two\n\nTwo.\n');
  assert.deepEqual([(await room.inbox('anna')).length, (await room.inbox('ben')).length], [1, 1]);
  await assert.rejects(changes.forwarding.set('anna@office.test', ['sales@office.test'], { keeps: true }), {
    code: 'directory.invalid',
  });
});
