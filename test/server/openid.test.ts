/** Tokens of a real provider over IMAP, POP3 and submission: the exchange as each protocol has it, and what becomes of it when the provider is down. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { perform } from '../../src/cli/perform.ts';
import { listDevices } from '../../src/server/admin/devices.ts';
import { setPolicy } from '../../src/server/admin/policy.ts';
import { endSessions, listSessions } from '../../src/server/admin/sessions.ts';
import { LineClient } from '../helpers/line-client.ts';
import { type TrialOffice, trialOffice } from '../helpers/office.ts';
import { TrialProvider } from '../helpers/openid-provider.ts';

const ANNA = 'anna@office.test';

/** How each protocol carries an exchange. */
interface Carrier {
  readonly service: 'imap' | 'pop3' | 'submission';
  readonly greet: (client: LineClient) => Promise<unknown>;
  readonly command: (mechanism: string, initial?: string) => string;
  readonly challenge: RegExp;
  readonly signedIn: RegExp;
  readonly refused: RegExp;
  readonly notAllowed: RegExp;
  readonly unavailable: RegExp;
}

const auth = (mechanism: string, initial?: string) => `AUTH ${mechanism}${initial === undefined ? '' : ` ${initial}`}`;

const CARRIERS: readonly Carrier[] = [
  {
    service: 'imap',
    greet: (client) => client.line(),
    command: (mechanism, initial) => `a AUTHENTICATE ${auth(mechanism, initial).slice('AUTH '.length)}`,
    challenge: /^\+ (.*)$/,
    signedIn: /^a OK /,
    refused: /^a NO \[AUTHENTICATIONFAILED\] /,
    notAllowed: /^a NO \[CONTACTADMIN\] IMAP is not open to you with a token\. /,
    unavailable: /^a NO \[UNAVAILABLE\] /,
  },
  {
    service: 'pop3',
    greet: (client) => client.line(),
    command: auth,
    challenge: /^\+ (.*)$/,
    signedIn: /^\+OK /,
    refused: /^-ERR \[AUTH\] /,
    notAllowed: /^-ERR \[AUTH\] POP3 is not open to you with a token\. /,
    unavailable: /^-ERR \[SYS\/TEMP\] /,
  },
  {
    service: 'submission',
    greet: (client) => client.reply('220').then(() => client.ask('EHLO laptop', '250')),
    command: auth,
    challenge: /^334 (.*)$/,
    signedIn: /^235 2\.7\.0 /,
    refused: /^535 5\.7\.8 /,
    notAllowed: /^525 5\.7\.13 Sending mail is not open to you with a token\. /,
    unavailable: /^454 4\.7\.0 /,
  },
];

const base64 = (text: string) => Buffer.from(text).toString('base64');
const MESSAGES = {
  OAUTHBEARER: (token: string) => `n,a=${ANNA},\x01host=localhost\x01auth=Bearer ${token}\x01\x01`,
  XOAUTH2: (token: string) => `user=${ANNA}\x01auth=Bearer ${token}\x01\x01`,
};
const MECHANISMS = Object.entries(MESSAGES);

async function connect(office: TrialOffice, { service, greet }: Carrier): Promise<LineClient> {
  const client = await LineClient.connect(office.port(service));
  await greet(client);
  return client;
}

async function ask(client: LineClient, line: string): Promise<string> {
  client.send(`${line}\r\n`);
  return client.line();
}

/** An office with a provider. */
async function trial(t: TestContext): Promise<{ office: TrialOffice; provider: TrialProvider }> {
  const provider = await TrialProvider.start(t);
  const office = await trialOffice(t, { people: ['anna', 'ben'], config: provider.config() });
  return { office, provider };
}

test('tokens over IMAP, POP3 and submission', async (t) => {
  const { office, provider } = await trial(t);
  const token = await provider.token();
  const sent = [token];

  await t.test('sign in with the command or after it, by both mechanisms, and show in the list', async () => {
    for (const carrier of CARRIERS) {
      for (const [mechanism, message] of MECHANISMS) {
        const at = await connect(office, carrier);
        assert.match(await ask(at, carrier.command(mechanism, base64(message(token)))), carrier.signedIn);
        const after = await connect(office, carrier);
        assert.match(await ask(after, carrier.command(mechanism)), carrier.challenge);
        assert.match(await ask(after, base64(message(token))), carrier.signedIn);
        const { sessions } = await perform(listSessions, { account: ANNA }, office);
        assert.deepEqual(
          sessions.map(({ protocol, credential, name }) => `${protocol} ${credential} ${name}`),
          Array(2).fill(`${carrier.service} oauth thunderbird`),
        );
        await perform(endSessions, { account: ANNA, credential: 'Thunderbird' }, office);
        for (const client of [at, after]) await client.rest();
      }
    }
  });

  await t.test('are one device with the password over POP3', async () => {
    const devices = await perform(listDevices, { account: ANNA }, office);
    assert.deepEqual(
      devices.map(({ name }) => name),
      ['password'],
    );
  });

  await t.test('may be as long as RFC 4954 lets an AUTH line be, and nothing else may', async () => {
    const long = await provider.forge({ claims: { padding: 'x'.repeat(5_600) } });
    sent.push(long);
    const line = base64(MESSAGES.OAUTHBEARER(long));
    assert.ok(line.length > 10_500 && line.length < 12_200, String(line.length));
    for (const carrier of CARRIERS) {
      const client = await connect(office, carrier);
      assert.match(await ask(client, carrier.command('OAUTHBEARER', line)), carrier.signedIn);
      client.close();
      const stepwise = await connect(office, carrier);
      assert.match(await ask(stepwise, carrier.command('OAUTHBEARER')), carrier.challenge);
      assert.match(await ask(stepwise, line), carrier.signedIn);
      stepwise.close();
    }
    const [, pop3, submission] = CARRIERS as [Carrier, Carrier, Carrier];
    const tooLong = 'A'.repeat(5_000);
    const pop = await connect(office, pop3);
    assert.match(await ask(pop, `USER ${tooLong}`), /^-ERR .*too long/);
    assert.match(await ask(pop, auth('XOAUTH2', base64(MESSAGES.XOAUTH2(token)))), pop3.signedIn);
    assert.match(await ask(pop, `NOOP ${tooLong}`), /^-ERR .*longer/);
    const smtp = await connect(office, submission);
    assert.match(await ask(smtp, `MAIL FROM:<${tooLong}@office.test>`), /^500 5\.5\.2 /);
    assert.match(await ask(smtp, auth('XOAUTH2', 'A'.repeat(13_000))), /^500 5\.5\.6 /);
    assert.match(await ask(smtp, auth('XOAUTH2', base64(MESSAGES.XOAUTH2(token)))), submission.signedIn);
    for (const client of [pop, smtp]) client.close();
  });

  await t.test('that are wrong are told of in JSON, then the exchange fails, and another one may begin', async () => {
    const wrong = await provider.forge({ claims: { aud: 'photos' } });
    sent.push(wrong);
    for (const carrier of CARRIERS) {
      for (const [mechanism, message] of MECHANISMS) {
        const client = await connect(office, carrier);
        const challenge = await ask(client, carrier.command(mechanism, base64(message(wrong))));
        const json = Buffer.from(carrier.challenge.exec(challenge)![1]!, 'base64').toString();
        assert.deepEqual(
          JSON.parse(json),
          mechanism === 'OAUTHBEARER'
            ? {
                status: 'invalid_token',
                'openid-configuration': `${provider.issuer}/.well-known/openid-configuration`,
              }
            : { status: '401', schemes: 'bearer' },
        );
        assert.match(await ask(client, mechanism === 'OAUTHBEARER' ? base64('\x01') : ''), carrier.refused);
        assert.match(await ask(client, carrier.command(mechanism, base64(message(token)))), carrier.signedIn);
        client.close();
      }
    }
  });

  await t.test('are given up by an asterisk, and what is malformed is no sign-in', async () => {
    for (const carrier of CARRIERS) {
      const client = await connect(office, carrier);
      assert.match(await ask(client, carrier.command('XOAUTH2')), carrier.challenge);
      assert.match(await ask(client, '*'), /^(a BAD|-ERR|501) /);
      assert.match(await ask(client, carrier.command('OAUTHBEARER', base64('n,,\x01\x01'))), /^(a BAD|-ERR|501) /);
      assert.match(await ask(client, carrier.command('XOAUTH2', base64(MESSAGES.XOAUTH2(token)))), carrier.signedIn);
      client.close();
    }
  });

  await t.test('do not help where the policy wants another kind of password', async () => {
    const settings = ['imap', 'pop3', 'submission'].map((service) => `${service}.credentials=password,app`);
    await perform(setPolicy, { scope: 'account', name: ANNA, settings }, office);
    for (const carrier of CARRIERS) {
      const client = await connect(office, carrier);
      assert.match(await ask(client, carrier.command('XOAUTH2', base64(MESSAGES.XOAUTH2(token)))), carrier.notAllowed);
      client.close();
    }
  });

  assert.match(office.log, /"reason":"unexpected \\"aud\\" claim value"/);
  for (const one of sent) assert.ok(!one.split('.').some((part) => office.log.includes(part)), 'a token is in the log');
});

test('a provider that is down keeps nobody from starting the server, or from signing in with a password', async (t) => {
  const provider = await TrialProvider.start(t);
  const token = await provider.token();
  await provider.stop();
  const office = await trialOffice(t, { config: provider.config() });
  for (const carrier of CARRIERS) {
    const client = await connect(office, carrier);
    assert.match(await ask(client, carrier.command('XOAUTH2', base64(MESSAGES.XOAUTH2(token)))), carrier.unavailable);
    client.close();
  }
  const [laptop] = office.devices('anna', ['laptop']);
  await laptop.imap((session) => session.command('NOOP'));
  assert.match(office.log, /the OpenID provider could not be asked/);
});
