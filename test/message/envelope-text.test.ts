import assert from 'node:assert/strict';
import { test } from 'node:test';
import { analyse } from '../../src/message/analyser.ts';
import { addressesIn, withBcc } from '../../src/message/envelope-text.ts';
import fc from '../helpers/properties.ts';

function envelopeOf(header: string): string {
  return analyse(Buffer.from(header, 'latin1')).envelope;
}

test('addresses are read out of an envelope: groups by their members, names and comments left out', () => {
  const envelope = envelopeOf(
    'From: "Anna (\\"A\\")" <Anna@Office.test>\r\nSubject: a "quoted" (one)\r\n' +
      'To: Team: ben@office.test, Carl <carl@office.test>;, dora@office.test\r\nCc: \xe9va@office.test\r\n\r\n',
  );
  assert.deepEqual(addressesIn(envelope, 'from'), ['anna@office.test']);
  assert.deepEqual(addressesIn(envelope, 'to'), ['ben@office.test', 'carl@office.test', 'dora@office.test']);
  assert.equal(addressesIn(envelope, 'cc').length, 1);
  assert.deepEqual(addressesIn(envelope, 'bcc'), []);
});

test('a subject that looks like an envelope misleads nobody', () => {
  const envelope = envelopeOf('Subject: x" NIL) (NIL NIL "to" "y")\r\nTo: ben@office.test\r\n\r\n');
  assert.deepEqual(addressesIn(envelope, 'to'), ['ben@office.test']);
});

test('Bcc is added to what there is, and nothing else changes', () => {
  const header = 'From: a@x.test\r\nSubject: 5 "x" \xfc\r\nTo: b@x.test\r\nMessage-ID: <1@x.test>\r\n';
  for (const bcc of ['', 'Bcc: c@x.test\r\n']) {
    const added = withBcc(envelopeOf(`${header}${bcc}\r\n`), ['d@x.test', 'e"f@x.test']);
    assert.deepEqual(addressesIn(added, 'bcc'), [...(bcc === '' ? [] : ['c@x.test']), 'd@x.test', 'e"f@x.test']);
    assert.deepEqual(addressesIn(added, 'to'), ['b@x.test']);
    assert.ok(added.endsWith('"<1@x.test>")'));
  }
  assert.equal(withBcc(envelopeOf(header), []), envelopeOf(header));
});

test('whatever the fields hold, what was put in comes out', () => {
  const atom = fc.stringMatching(/^[a-z0-9]{1,8}$/);
  const list = fc.array(fc.tuple(atom, atom), { maxLength: 4 });
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), list, list, (subject, to, bcc) => {
      const text = Buffer.from(subject.replace(/[\r\n]/g, ' ')).toString('latin1');
      const addresses = to.map(([local, domain]) => `${local}@${domain}`);
      const hidden = bcc.map(([local, domain]) => `${local}@${domain}`);
      const envelope = envelopeOf(`Subject: ${text}\r\nTo: ${addresses.join(', ')}\r\n\r\n`);
      assert.deepEqual(addressesIn(withBcc(envelope, hidden), 'to'), addresses);
      assert.deepEqual(addressesIn(withBcc(envelope, hidden), 'bcc'), hidden);
    }),
  );
});
