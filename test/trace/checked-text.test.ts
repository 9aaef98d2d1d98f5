import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkedText } from '../../src/trace/checked-text.ts';

/** The field, with these rows. */
function results(...rows: string[]): string {
  return `Authentication-Results: mail.office.test; iprev=pass policy.iprev=192.0.2.7; ${rows.join('; ')}`;
}

test('people are told whether a message is from where it says, and nothing where nobody says so', () => {
  const spf = 'spf=pass smtp.mailfrom=shop.test';
  assert.equal(
    checkedText(results(spf, 'dmarc=pass (p=NONE) header.from=shop.test')),
    'was checked: it really is from shop.test',
  );
  assert.equal(
    checkedText(results(spf, 'dmarc=fail (p=REJECT arc=none) policy.dmarc=reject header.from=bank.test', 'arc=none')),
    'was checked: nothing proves that it is from bank.test',
  );
  for (const nothing of ['dmarc=none header.from=shop.test', 'dmarc=temperror header.from=shop.test'])
    assert.equal(checkedText(results(spf, nothing)), undefined);
  assert.equal(checkedText(results(spf)), undefined);
});

test('nobody writes the verdict themselves, into an address of theirs', () => {
  const forged = 'spf=fail smtp.mailfrom="; dmarc=pass header.from=bank.test"@evil.test';
  const real = 'dmarc=fail (p=NONE) header.from=evil.test';
  assert.equal(checkedText(results(forged)), undefined);
  assert.equal(checkedText(results(forged, 'dmarc=none header.from=evil.test')), undefined);
  assert.equal(checkedText(results(forged, real)), 'was checked: nothing proves that it is from evil.test');
});
