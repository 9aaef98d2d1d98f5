/** The messages of OAUTHBEARER and XOAUTH2, without a network. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mechanism, Verification } from '../../src/auth/mechanism.ts';
import { oauthbearer, parseOauthbearer } from '../../src/auth/oauthbearer.ts';
import { TokenRefused } from '../../src/auth/token.ts';
import type { Peer, SaslStep } from '../../src/auth/types.ts';
import { parseXoauth2, xoauth2 } from '../../src/auth/xoauth2.ts';
import { BadCommand, Refused } from '../../src/errors.ts';

const PEER: Peer = { protocol: 'imap', address: '192.0.2.1', mayUsePassword: true, tls: undefined };
const TOKEN = 'vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==';
const help = { configurationUrl: 'https://id.example.org/.well-known/openid-configuration', scope: 'mail' };

test('the example of RFC 7628 4.1 is understood, and what is near to it', () => {
  const message = `n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer ${TOKEN}\x01\x01`;
  const expected = { claim: { name: 'user@example.com', authzid: '' }, token: TOKEN };
  assert.deepEqual(parseOauthbearer(message), expected);
  assert.deepEqual(parseOauthbearer(message.replace('n,', 'y,').replace('Bearer', 'bearer')), expected);
  assert.deepEqual(parseOauthbearer(message.replace('user@example.com', 'a=2Cb=3Dc')).claim.name, 'a,b=c');
  assert.deepEqual(parseOauthbearer(`n,,\x01auth=Bearer x\x01\x01`), { claim: { name: '', authzid: '' }, token: 'x' });
  for (const none of ['', 'Bearer', 'Bearer ']) assert.equal(parseOauthbearer(`n,,\x01auth=${none}\x01\x01`).token, ''); // RFC 7628 4.3
});

test('a message of OAUTHBEARER that is none is refused', () => {
  for (const message of [
    '',
    'n,,',
    'n,,\x01',
    'n,,\x01\x01',
    'n,,\x01host=x\x01\x01',
    'n,,\x01auth=Bearer x\x01',
    'n,,\x01auth=Bearer x',
    'n,,auth=Bearer x\x01\x01',
    'p=tls-exporter,,\x01auth=Bearer x\x01\x01',
    'n,b=x,\x01auth=Bearer x\x01\x01',
    'n,a=,\x01auth=Bearer x\x01\x01',
    'n,a=x=,\x01auth=Bearer x\x01\x01',
    'n,a=x=2c,\x01auth=Bearer x\x01\x01',
    'n,,\x01auth=Bearer x\x01auth=Bearer y\x01\x01',
    'n,,\x01auth=Basic x\x01\x01',
    'n,,\x01auth=Bearer x y\x01\x01',
    'n,,\x01auth=Bearer x\x01\x01\x01',
    'n,,\x01a-b=c\x01auth=Bearer x\x01\x01',
    'n,,\x01auth=Bearer x\x01\x01more',
  ]) {
    assert.throws(() => parseOauthbearer(message), BadCommand, JSON.stringify(message));
  }
});

test('an XOAUTH2 message is understood, and what is none is refused', () => {
  const message = `user=anna@example.org\x01auth=Bearer ${TOKEN}\x01\x01`;
  assert.deepEqual(parseXoauth2(message), { claim: { name: 'anna@example.org', authzid: '' }, token: TOKEN });
  for (const wrong of [
    '',
    message.slice(0, -1),
    `x${message}`,
    'user=\x01auth=Bearer x\x01\x01',
    'user=a\x01auth=x\x01\x01',
  ]) {
    assert.throws(() => parseXoauth2(wrong), BadCommand, JSON.stringify(wrong));
  }
});

/** Says yes or no to every token. */
function verification(answer: 'yes' | TokenRefused | Refused): Verification {
  const never = () => Promise.reject(new Error('a token has no password'));
  return {
    password: never,
    scramParameters: never,
    scramProof: never,
    token: async () => {
      if (answer !== 'yes') throw answer;
      return { mechanism: 'x' } as never;
    },
  };
}

const messages = {
  OAUTHBEARER: `n,,\x01auth=Bearer ${TOKEN}\x01\x01`,
  XOAUTH2: `user=anna\x01auth=Bearer ${TOKEN}\x01\x01`,
};
const begin = ({ start }: Mechanism, answer: 'yes' | TokenRefused | Refused) => start(PEER, verification(answer));

for (const mechanism of [oauthbearer, xoauth2]) {
  const message = Buffer.from(messages[mechanism.name as keyof typeof messages]);

  test(`${mechanism.name} tells of a wrong token before it fails, and fails whatever the client answers`, async () => {
    for (const dummy of ['\x01', '', 'anything']) {
      const exchange = begin(mechanism, new TokenRefused('invalid_token', help));
      assert.deepEqual(await exchange.respond(null), { done: false, challenge: Buffer.alloc(0) });
      const step: SaslStep = await exchange.respond(message);
      assert.ok(!step.done);
      assert.deepEqual(
        JSON.parse(step.challenge.toString()),
        mechanism === oauthbearer
          ? { status: 'invalid_token', scope: 'mail', 'openid-configuration': help.configurationUrl }
          : { status: '401', schemes: 'bearer', scope: 'mail' },
      );
      for (let again = 0; again < 2; again++) {
        await assert.rejects(exchange.respond(Buffer.from(dummy)), (error) => error instanceof TokenRefused);
      }
    }
  });

  test(`${mechanism.name} fails at once where the token is not to blame`, async () => {
    const exchange = begin(mechanism, new Refused('auth.not-allowed', 'IMAP is not open to you.'));
    await assert.rejects(exchange.respond(message), /IMAP is not open/);
    await assert.rejects(exchange.respond(message), BadCommand);
  });

  test(`${mechanism.name} takes a message once, with the command or after it`, async () => {
    const exchange = begin(mechanism, 'yes');
    assert.ok((await exchange.respond(message)).done);
    for (const more of [message, null]) await assert.rejects(exchange.respond(more), BadCommand);
    await assert.rejects(begin(mechanism, 'yes').respond(Buffer.alloc(20_000, 'x')), BadCommand);
  });
}
