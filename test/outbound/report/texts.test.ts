/** What reports say to people, in every language. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LANGUAGES } from '../../../src/config/languages.ts';
import { TEXTS } from '../../../src/outbound/report/languages/all.ts';
import { personText } from '../../../src/outbound/report/person-text.ts';
import { reasonOf } from '../../../src/outbound/report/reason.ts';
import type { Told } from '../../../src/outbound/report/told.ts';

/** All strings of a table, by the way to them. */
function leaves(table: object, way = ''): [string, string][] {
  return Object.entries(table).flatMap(([name, value]): [string, string][] =>
    typeof value === 'string' ? [[`${way}${name}`, value]] : leaves(value as object, `${way}${name}.`),
  );
}

const about = {
  sender: 'anna@office.test',
  subject: 'Offer',
  sizeBytes: 2_345_678,
  arrived: new Date(2026, 10, 23, 14, 5).getTime() / 1_000, // here, wherever that is
  tried: 5 * 86_400_000,
  attached: 'whole',
} as const;
const failed: Told = {
  action: 'failed',
  address: 'carl@example.net',
  original: '',
  said: { reply: 451, status: '4.2.2', text: 'full' },
  peer: 'mx.example.net [192.0.2.1]',
  ours: false,
};
const delayed: Told = { ...failed, action: 'delayed', address: 'dora@example.net', until: about.arrived + 86_400 };

for (const language of LANGUAGES) {
  test(`${language}: every text is there, in this language, with what the English one fills in`, () => {
    const english = new Map(leaves(TEXTS.en));
    const own = leaves(TEXTS[language]);
    assert.deepEqual(
      own.map(([name]) => name),
      [...english.keys()],
    );
    for (const [name, text] of own) {
      const filledIn = (of: string) => (of.match(/\{\w+\}/g) ?? []).sort();
      assert.deepEqual(filledIn(text), filledIn(english.get(name)!), name);
      if (language !== 'en') assert.notEqual(text, english.get(name), name);
    }
  });

  test(`${language}: a report reads well for one address and for several`, () => {
    const one = personText(language, about, [failed]);
    const several = personText(language, about, [failed, { ...failed, address: 'emil@example.net' }, delayed]);
    const { opening, subject } = TEXTS[language];
    assert.equal(one.subject, subject.failed.replace('{subject}', 'Offer'));
    assert.ok(one.text.startsWith(`${opening.failed.one}\r\n\r\n  carl@example.net\r\n    `));
    assert.ok(several.text.startsWith(opening.failed.other));
    assert.ok(several.text.includes(`\r\n\r\n${opening.delayed.one}\r\n\r\n  dora@example.net\r\n`));
    for (const { text } of [one, several]) {
      assert.doesNotMatch(text, /[{}]|undefined|[^\r]\n/);
      assert.match(text, /\b5\b/); // days
      assert.match(text, /\b23\b.*\b2026\b.*\b14:05\b/);
    }
  });
}

const REASONS: readonly [reply: number, status: string, text: string, reason: string][] = [
  [550, '5.1.1', 'User unknown', 'unknownAddress'],
  [553, '', 'no such mailbox', 'unknownAddress'],
  [550, '5.1.2', 'no such domain', 'noSuchDomain'],
  [556, '5.1.10', 'null MX', 'takesNoMail'],
  [552, '5.2.2', 'full', 'mailboxFull'],
  [452, '4.2.2', 'full', 'mailboxFull'],
  [552, '5.3.4', 'too large', 'tooLarge'],
  [554, '5.7.1', 'Message rejected as spam by content scanner', 'spam'],
  [554, '', 'Your IP is on a blocklist', 'spam'],
  [550, '5.7.1', 'You may not post to this list', 'notAllowed'],
  [550, '5.7.26', 'unauthenticated', 'notAuthentic'],
  [550, '5.7.30', 'REQUIRETLS', 'needsTls'],
  [451, '4.7.1', 'Greylisted', 'later'],
  [450, '', 'come back', 'later'],
  [451, '4.4.1', 'timed out', 'notReached'],
  [451, '4.4.7', 'expired', 'notReached'],
  [554, '5.4.6', 'loop', 'loop'],
  [553, '5.6.7', 'needs SMTPUTF8', 'noInternational'],
  [554, '5.6.1', 'media', 'content'],
  [451, '4.3.0', 'disk', 'serverTrouble'],
  [554, '', 'transaction failed', 'refused'],
  [554, '5.0.0', 'no', 'refused'],
];

for (const [reply, status, text, reason] of REASONS) {
  test(`of “${[reply, status, text].filter(Boolean).join(' ')}” senders are told: ${reason}`, () =>
    assert.equal(reasonOf({ reply, status, text }, false), reason));
}

test('what this server says of itself is not taken for what another has said', () => {
  const said = (status: string) => ({ reply: 550, status, text: '' });
  assert.equal(reasonOf(said('5.7.0'), true), 'removed');
  assert.equal(reasonOf(said('5.7.0'), false), 'notAllowed');
  assert.equal(reasonOf(said('4.3.0'), true), 'ownTrouble');
  assert.equal(reasonOf(said('4.3.0'), false), 'serverTrouble');
  assert.equal(reasonOf(said('4.3.5'), true), 'ownTrouble');
  assert.equal(reasonOf(said('4.7.8'), true), 'ownTrouble');
  assert.equal(reasonOf(said('5.1.1'), true), 'unknownAddress');
});

test('a subject of any length and any characters stays one line of a header', () => {
  const { subject, text } = personText('en', { ...about, subject: `a\r\nb\u202e${'x'.repeat(10_000)}` }, [failed]);
  assert.match(subject, /^Not delivered: a b x{190,200}…$/);
  assert.match(text, /\r\nSubject: a b x+…\r\n/);
});
