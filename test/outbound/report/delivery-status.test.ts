/** The status for programs, whatever peers and senders say. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LANGUAGES } from '../../../src/config/languages.ts';
import { Header } from '../../../src/message/header.ts';
import { deliveryStatus, isGlobal } from '../../../src/outbound/report/delivery-status.ts';
import { personText } from '../../../src/outbound/report/person-text.ts';
import { ACTIONS, type Told } from '../../../src/outbound/report/told.ts';
import fc from '../../helpers/properties.ts';

const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constant('x\r\n\r\ny: z'),
);
const said = fc.record({
  reply: fc.integer({ min: 200, max: 599 }),
  status: fc.constantFrom('', '5.1.1', '4.4.7', '4.2.2', '5.7.1'),
  text,
});
const told: fc.Arbitrary<Told> = fc.record({
  action: fc.constantFrom(...ACTIONS),
  address: fc.oneof(fc.emailAddress(), fc.constant('jürgen@bücher.example')),
  original: fc.oneof(
    fc.constant(''),
    text.map((each) => `rfc822;${each}`),
  ),
  said,
  peer: fc.oneof(fc.constant(''), fc.constant('mx.example.net [192.0.2.1]')),
  ours: fc.boolean(),
});
const recipients = fc.array(told, { minLength: 1, maxLength: 5 });

test('each recipient has a group of fields, and no value has lines of its own', () => {
  fc.assert(
    fc.property(recipients, text, (those, envelopeId) => {
      const status = deliveryStatus({ reporter: 'mail.office.test', envelopeId, arrived: 0, attempted: 60 }, those);
      const groups = status.split('\r\n\r\n');
      assert.equal(groups.length, 1 + those.length);
      if (!isGlobal(those)) assert.match(status, /^[\x20-\x7e\r\n]*$/);
      for (const line of status.split('\r\n')) assert.match(line, /^(?:[A-Z][A-Za-z-]+: [^\r\n]*)?$/);
      for (const [at, { action, address }] of those.entries()) {
        const fields = new Header(groups[at + 1]!);
        assert.equal(fields.first('action'), action);
        assert.ok(fields.first('final-recipient')!.endsWith(`; ${address}`));
        assert.match(fields.first('status')!, /^[245]\.\d+\.\d+$/);
      }
    }),
  );
});

test('every recipient stands in the text once for each time that something is told of them', () => {
  fc.assert(
    fc.property(recipients, fc.constantFrom(...LANGUAGES), text, (those, language, subject) => {
      const about = { sender: 'a@b.test', subject, sizeBytes: 1, arrived: 0, tried: 1, attached: 'nothing' } as const;
      const person = personText(language, about, those);
      const lines = person.text.split('\r\n');
      for (const { address } of those) {
        const expected = those.filter((each) => each.address === address).length;
        assert.equal(lines.filter((line) => line === `  ${address}`).length, expected);
      }
      assert.doesNotMatch(person.subject, /[\r\n]/);
    }),
  );
});
