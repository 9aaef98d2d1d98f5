import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Claim, Verification } from '../../src/auth/mechanism.ts';
import { ScramExchange } from '../../src/auth/scram.ts';
import { deriveScramKeys, SCRAM_ITERATIONS, scramParametersFor } from '../../src/auth/scram-keys.ts';
import { parseClientFinal, parseClientFirst } from '../../src/auth/scram-messages.ts';
import type { Peer } from '../../src/auth/types.ts';
import { EffectiveAccess } from '../../src/directory/access/effective.ts';
import { BadCommand, Refused } from '../../src/errors.ts';
import type { AccountId } from '../../src/store/ids.ts';
import fc from '../helpers/properties.ts';
import { ScramClient } from './scram-client.ts';

const PEER: Peer = { protocol: 'imap', address: '192.0.2.1', mayUsePassword: true, tls: undefined };
const parameters = { salt: Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'), iterations: 4_096 };
const keys = await deriveScramKeys('pencil', parameters);

/** One account, `user` with the password `pencil`, and what was claimed of it. */
function rfcOffice() {
  const claims: Claim[] = [];
  const verification: Verification = {
    password: () => Promise.reject(new Error('SCRAM never sees a password')),
    token: () => Promise.reject(new Error('SCRAM has no tokens')),
    scramParameters: async () => parameters,
    scramProof: async (claim, proves) => {
      claims.push(claim);
      if (claim.name !== 'user' || !proves(keys)) throw new Refused('auth.failed', 'no');
      return {
        account: { id: 1 as AccountId, name: 'user', displayName: '', quotaBytes: null, state: 'active' },
        credential: { id: 1, kind: 'password', label: '', protocols: null },
        access: new EffectiveAccess().from([]),
        mechanism: 'SCRAM-SHA-256',
        confirm: () => {},
      };
    },
  };
  return { claims, verification };
}

async function challenge(exchange: ScramExchange, response: Buffer | null): Promise<Buffer> {
  const step = await exchange.respond(response);
  assert.ok(!step.done);
  return step.challenge;
}

test('the exchange printed in RFC 7677 goes byte for byte', async () => {
  const exchange = new ScramExchange(PEER, rfcOffice().verification, {
    plus: false,
    nonce: () => '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  });
  assert.equal((await challenge(exchange, null)).length, 0);
  assert.equal(
    (await challenge(exchange, Buffer.from('n,,n=user,r=rOprNGfwEbeRWgbNEkqO'))).toString(),
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  );
  const end = await exchange.respond(
    Buffer.from(
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    ),
  );
  assert.ok(end.done);
  assert.equal(end.data?.toString(), 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
  assert.equal(end.signedIn.account.name, 'user');
});

test('a wrong password, nonce or channel binding fails, and the exchange is over', async () => {
  const wrong: readonly ((final: string) => string)[] = [
    (final) => final.replace(/p=.{4}/, 'p=AAAA'),
    (final) => final.replace(/p=.*$/, 'p=AAAA'),
    (final) => final.replace('c=biws', 'c=eSws'), // y,, though it began with n,,
    (final) => final.replace(/r=(.)/, (_, first: string) => `r=${first === 'x' ? 'y' : 'x'}`),
    (final) => final.replace('r=', 'r=x'),
  ];
  for (const spoil of wrong) {
    const exchange = new ScramExchange(PEER, rfcOffice().verification, { plus: false });
    const client = new ScramClient({ name: 'user', password: 'pencil' });
    const final = client.final(await challenge(exchange, client.first())).toString();
    await assert.rejects(exchange.respond(Buffer.from(spoil(final))), Refused, spoil(final));
    await assert.rejects(exchange.respond(Buffer.from(final)), BadCommand); // the right one comes too late
  }
});

test('a signed nonce that is not ours proves nothing', async () => {
  const exchange = new ScramExchange(PEER, rfcOffice().verification, { plus: false });
  const client = new ScramClient({ name: 'user', password: 'pencil' });
  const serverFirst = (await challenge(exchange, client.first())).toString();
  // The client signs another nonce than it was given: its proof fits what it signed, not what we said.
  const other = serverFirst.replace(/r=[^,]+/, 'r=rOprNGfwEbeRWgbNEkqOelse');
  await assert.rejects(exchange.respond(client.final(Buffer.from(other))), Refused);
});

test('the name and whom to act as arrive decoded', async () => {
  const { claims, verification } = rfcOffice();
  const exchange = new ScramExchange(PEER, verification, { plus: false });
  const client = new ScramClient({ name: 'a=b,c', password: 'pencil', gs2Header: 'n,a=x=3Dy=2Cz,' });
  await assert.rejects(exchange.respond(client.final(await challenge(exchange, client.first()))), Refused);
  assert.deepEqual(claims, [{ name: 'a=b,c', authzid: 'x=y,z' }]);
});

test('malformed messages are told from wrong ones', () => {
  for (const text of [
    '',
    'n',
    'n,,',
    'n,n=user,r=abc',
    'x,,n=user,r=abc',
    'p,,n=user,r=abc',
    'p=,,n=user,r=abc',
    'n,b=user,n=user,r=abc',
    'n,a=,n=user,r=abc',
    'n,,n=,r=abc',
    'n,,n=user',
    'n,,r=abc,n=user',
    'n,,n=user,r=',
    'n,,n=user,r=a\u00e4',
    'n,,n=us=er,r=abc',
    'n,,n=us=2cer,r=abc',
    'n,,m=mandatory,n=user,r=abc',
    'n,,n=user,r=abc,',
    'n,,n=us\0er,r=abc',
    `n,,n=${'u'.repeat(5_000)},r=abc`,
  ]) {
    assert.throws(() => parseClientFirst(Buffer.from(text)), BadCommand, text);
  }
  assert.throws(
    () => parseClientFirst(Buffer.from([0x6e, 0x2c, 0x2c, 0x6e, 0x3d, 0xff, 0x2c, 0x72, 0x3d, 0x61])),
    BadCommand,
  );
  for (const text of [
    '',
    'c=biws',
    'c=biws,r=abc',
    'r=abc,c=biws,p=AAAA',
    'c=bi,r=abc,p=AAAA',
    'c=biws,r=abc,p=!',
    'c=biws,r=abc,p=AAAA,x=1',
  ]) {
    assert.throws(() => parseClientFinal(Buffer.from(text)), BadCommand, text);
  }
});

test('extensions nobody must understand are let through, and signed', () => {
  const first = parseClientFirst(Buffer.from('y,,n=user,r=abc,x=anything'));
  assert.equal(first.bare, 'n=user,r=abc,x=anything');
  assert.deepEqual(first.binding, { flag: 'y' });
  const final = parseClientFinal(Buffer.from('c=biws,r=abc,x=anything,p=AAAA'));
  assert.equal(final.withoutProof, 'c=biws,r=abc,x=anything');
});

test('any bytes whatever are read or refused, and nothing else', () => {
  const likely = fc.stringMatching(/^[npy]=?[a-z]*,(?:a=[^,]*)?,n=[^,]*,r=[^,]*(?:,[a-z]=[^,]*)*$/);
  const bytes = fc.oneof(
    fc.uint8Array().map((array) => Buffer.from(array)),
    likely.map((text) => Buffer.from(text)),
  );
  fc.assert(
    fc.property(bytes, (message) => {
      for (const parse of [parseClientFirst, parseClientFinal]) {
        try {
          parse(message);
        } catch (error) {
          assert.ok(error instanceof BadCommand, String(error));
        }
      }
    }),
    { numRuns: 2_000 },
  );
});

test('bytes changed at random never sign anybody in', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), async (place, flip) => {
      const exchange = new ScramExchange(PEER, rfcOffice().verification, { plus: false });
      const client = new ScramClient({ name: 'user', password: 'pencil' });
      const final = client.final(await challenge(exchange, client.first()));
      final[place % final.length]! ^= flip;
      await assert.rejects(exchange.respond(final), (error) => error instanceof BadCommand || error instanceof Refused);
    }),
    { numRuns: 100 },
  );
});

test('what an unknown name is told is always the same, and its own', () => {
  const secret = Buffer.alloc(32, 7);
  const told = scramParametersFor(secret, 'nobody@office.test');
  assert.deepEqual(scramParametersFor(secret, 'nobody@office.test'), told);
  assert.notDeepEqual(scramParametersFor(secret, 'nobody2@office.test').salt, told.salt);
  assert.notDeepEqual(scramParametersFor(Buffer.alloc(32, 8), 'nobody@office.test').salt, told.salt);
  assert.equal(told.salt.length, 16);
  assert.equal(told.iterations, SCRAM_ITERATIONS);
});
