/** Keys that strangers publish: what one may cost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Keys } from '../../src/checks/authentication/keys.ts';
import { Lookups } from '../../src/checks/authentication/lookups.ts';

/** An RSA key of these bits (as PKCS #1 writes it); that nobody has the other half of it makes no difference here. */
function keyRecord(modulusBits: number, exponent: Buffer): string {
  const modulus = Buffer.alloc(modulusBits / 8, 0xff);
  const key = der(
    0x30,
    Buffer.concat([modulus, exponent].map((bytes) => der(2, Buffer.concat([Buffer.of(0), bytes])))),
  );
  return `v=DKIM1; k=rsa; p=${key.toString('base64')}`;
}

function der(tag: number, content: Buffer): Buffer {
  const head = Buffer.of(tag, 0x82, 0, 0);
  head.writeUInt16BE(content.length, 2);
  return Buffer.concat([head, content]);
}

const USUAL = Buffer.of(0x81, 0, 1);

for (const [what, record, taken] of [
  ['of 4,096 bits', keyRecord(4_096, USUAL), true],
  ['of more', keyRecord(4_160, USUAL), false],
  ['with a public exponent as long as itself', keyRecord(2_048, Buffer.alloc(255, 0xff)), false],
] as const) {
  test(`a key ${what} is ${taken ? 'taken' : 'none'}`, async () => {
    const query = async () => ({ records: [record], missing: false, authentic: false, ttl: 1 });
    const lookups = new Lookups({ query: query as never }, 1_000);
    const options = { strict: true, hashAlgo: 'sha256' };
    const asked = new Keys().for(lookups).get('DKIM', 's1._domainkey.evil.test', 1_024, options);
    if (taken) assert.equal((await asked).publicKey.asymmetricKeyDetails!.modulusLength, 4_096);
    else await assert.rejects(asked, { code: 'EINVALIDVAL' });
    lookups.end();
  });
}
