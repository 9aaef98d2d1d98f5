import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePlain } from '../../src/auth/plain.ts';
import { BadCommand } from '../../src/errors.ts';
import fc from '../helpers/properties.ts';

test('a PLAIN message gives name, password and whom to act as', () => {
  assert.deepEqual(parsePlain(Buffer.from('\0tim\0tanstaaftanstaaf')), {
    claim: { name: 'tim', authzid: '' },
    password: 'tanstaaftanstaaf',
  });
  // The second example of RFC 4616 4.
  assert.deepEqual(parsePlain(Buffer.from('Ursel\0Kurt\0xipj3plmq')), {
    claim: { name: 'Kurt', authzid: 'Ursel' },
    password: 'xipj3plmq',
  });
});

test('a malformed PLAIN message is told from a wrong password', () => {
  for (const text of ['', '\0', 'anna', 'anna\0pw', '\0\0', '\0\0pw', '\0anna\0p\0w', `\0anna\0${'x'.repeat(5_000)}`]) {
    assert.throws(() => parsePlain(Buffer.from(text)), BadCommand, JSON.stringify(text.slice(0, 20)));
  }
  assert.throws(() => parsePlain(Buffer.from([0, 0x61, 0, 0xff])), BadCommand);
});

test('any bytes whatever are read or refused, and nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        const { claim, password } = parsePlain(Buffer.from(bytes));
        assert.deepEqual(Buffer.from(`${claim.authzid}\0${claim.name}\0${password}`), Buffer.from(bytes));
      } catch (error) {
        assert.ok(error instanceof BadCommand, String(error));
      }
    }),
    { numRuns: 2_000 },
  );
});
