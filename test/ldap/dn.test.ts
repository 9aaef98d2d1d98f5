import assert from 'node:assert/strict';
import { test } from 'node:test';
import { comparableDn } from '../../src/ldap/dn.ts';
import fc from '../helpers/properties.ts';

test('a name is the same however it is written', () => {
  for (const [one, other] of [
    ['uid=anna,ou=People,dc=office,dc=test', 'UID=Anna, OU=people , DC=office,DC=test'],
    ['cn=Lee\\, Anna,dc=test', 'cn="Lee, Anna",dc=test'],
    ['cn=Lee\\, Anna,dc=test', 'cn=Lee\\2C Anna,dc=test'],
    ['cn=J\\c3\\b6rg,dc=test', 'cn=Jörg,dc=test'],
    ['cn=a+uid=b,dc=test', 'uid=b+cn=a,dc=test'],
    ['cn=Anna  Lee,dc=test', 'cn=anna lee,dc=test'],
    ['cn=50\\%,dc=test', 'cn=50%,dc=test'],
    ['cn=a=b,dc=test', 'cn=a\\3db,dc=test'],
  ] as const) {
    assert.equal(comparableDn(one), comparableDn(other), one);
  }
});

test('other names stay others', () => {
  for (const [one, other] of [
    ['cn=Lee\\, Anna,dc=test', 'cn=Lee,Anna,dc=test'],
    ['cn=%41,dc=test', 'cn=A,dc=test'],
    ['cn=\\%41,dc=test', 'cn=A,dc=test'],
    ['cn=a\\2bcn=b,dc=test', 'cn=a+cn=b,dc=test'],
    ['cn=\\ff,dc=test', 'cn=\\fe,dc=test'],
    ['cn=\\ff,dc=test', 'cn=%ff,dc=test'],
    ['cn=a,dc=test', 'sn=a,dc=test'],
  ] as const) {
    assert.notEqual(comparableDn(one), comparableDn(other), one);
  }
});

/** RFC 4514 2.4: every byte escaped. */
const escaped = (text: string) =>
  [...Buffer.from(text)].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('');

test('whatever a value holds, escaped it is the same name, and no text makes it fail', () => {
  const value = fc.string({ unit: fc.constantFrom('a', 'B', '%', '4', '1', ',', '+', '=', '"', '\\', ';', '<', 'é') });
  fc.assert(
    fc.property(value, value, (a, b) => {
      const same = a.toLowerCase() === b.toLowerCase();
      assert.equal(comparableDn(`cn=${escaped(a)},dc=test`) === comparableDn(`cn=${escaped(b)},dc=test`), same);
    }),
  );
  fc.assert(fc.property(fc.string({ unit: 'binary-ascii' }), (text) => comparableDn(text).length >= 0));
});
