/** What each protocol says, over a real socket, to somebody whom the access policy turns away. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { perform } from '../../src/cli/perform.ts';
import { addAppPassword } from '../../src/server/admin/app-passwords.ts';
import { setPolicy, unsetPolicy } from '../../src/server/admin/policy.ts';
import { LineClient } from '../helpers/line-client.ts';
import { PASSWORD, type TrialOffice, trialOffice } from '../helpers/office.ts';
import { saslPlain } from '../helpers/sasl-plain.ts';

const ANNA = 'anna@office.test';
const EVERYONE = { scope: 'everyone', name: '' } as const;
const PROTOCOLS = ['imap', 'pop3', 'submission'] as const;
type Protocol = (typeof PROTOCOLS)[number];

class SecureClient extends LineClient {
  /** With TLS from the first byte; whose certificate it is doesn't matter here. */
  static override async connect(port: number): Promise<LineClient> {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    return new SecureClient(socket);
  }
}

const plain = (password: string) => saslPlain(ANNA, password);

/** Each way to sign in to a protocol: its name, and what it is answered. */
const SIGN_INS: Readonly<Record<Protocol, (client: LineClient, password: string) => Promise<string[]>>> = {
  async imap(client, password) {
    await client.line();
    client.send(`a LOGIN ${ANNA} "${password}"\r\n`);
    const login = await client.line();
    if (login.startsWith('a OK')) return [login];
    client.send(`a AUTHENTICATE PLAIN ${plain(password)}\r\n`);
    return [login, await client.line()];
  },
  async pop3(client, password) {
    await client.line();
    client.send(`USER ${ANNA}\r\nPASS ${password}\r\n`);
    await client.line();
    const pass = await client.line();
    if (pass.startsWith('+OK')) return [pass];
    client.send(`AUTH PLAIN ${plain(password)}\r\n`);
    return [pass, await client.line()];
  },
  async submission(client, password) {
    await client.reply('220');
    await client.ask('EHLO laptop', '250');
    client.send(`AUTH PLAIN ${plain(password)}\r\n`);
    return [await client.line()];
  },
};

/** The one answer to all ways to sign in. */
async function answer(office: TrialOffice, protocol: Protocol, password = PASSWORD, secure = false): Promise<string> {
  const client = await (secure ? SecureClient : LineClient).connect(office.port(secure ? `${protocol}s` : protocol));
  try {
    const [first, ...others] = await SIGN_INS[protocol](client, password);
    for (const other of others) assert.equal(other, first);
    return first!;
  } finally {
    client.close();
  }
}

const TITLES = { imap: 'IMAP', pop3: 'POP3', submission: 'Sending mail' } as const;
const NOT_ALLOWED = { imap: 'a NO [CONTACTADMIN] ', pop3: '-ERR [AUTH] ', submission: '525 5.7.13 ' } as const;
const NEEDS_TLS = { imap: 'a NO [PRIVACYREQUIRED] ', pop3: '-ERR [AUTH] ', submission: '538 5.7.11 ' } as const;
const FINE = { imap: /^a OK /, pop3: /^\+OK /, submission: /^235 / } as const;

/** A rule, what it is written for, and how whoever it turns away is told so. */
const RULES: readonly (readonly [rule: string, codes: Readonly<Record<Protocol, string>>, text: string])[] = [
  ['=off', NOT_ALLOWED, ' is not open to you. '],
  ['.networks=192.0.2.0/24,2001:db8::/32', NOT_ALLOWED, ' is not open to you from where you are (127.0.0.1). '],
  ['.credentials=app,oauth', NOT_ALLOWED, ' is not open to you with your password. Use an app password'],
  ['.tls=required', NEEDS_TLS, ' is open to you over TLS only. '],
];

test('each protocol says in its own words who may not come in, and why; over TLS, with an app password, they may', async (t) => {
  const office = await trialOffice(t);
  const { password: app } = await perform(addAppPassword, { address: ANNA, name: 'phone', protocols: null }, office);
  let turnedAway = 0;
  for (const [rule, codes, text] of RULES) {
    const settings = PROTOCOLS.map((protocol) => protocol + rule);
    await perform(setPolicy, { ...EVERYONE, settings }, office);
    for (const protocol of PROTOCOLS) {
      const told = await answer(office, protocol);
      assert.ok(told.startsWith(codes[protocol] + TITLES[protocol] + text), `${protocol}${rule}: ${told}`);
      turnedAway += protocol === 'submission' ? 1 : 2;
      assert.doesNotMatch(await answer(office, protocol, 'a wrong one'), /open to you|CONTACTADMIN|525/);
      if (rule.startsWith('.tls')) assert.match(await answer(office, protocol, PASSWORD, true), FINE[protocol]);
      if (rule.startsWith('.credentials')) assert.match(await answer(office, protocol, app), FINE[protocol]);
    }
    await perform(unsetPolicy, { ...EVERYONE, settings: settings.map((one) => one.split('=')[0]!) }, office);
    for (const protocol of PROTOCOLS) assert.match(await answer(office, protocol), FINE[protocol]);
  }
  const page = await (await fetch(`http://127.0.0.1:${office.port('health')}/metrics`)).text();
  const counted = [...page.matchAll(/rainmail_sign_ins_total\{[^}]*result="not-allowed"[^}]*\} (\d+)/g)];
  assert.equal(
    counted.reduce((sum, [, count]) => sum + Number(count), 0),
    turnedAway,
  );
  assert.match(office.log, /"result":"not-allowed".*"reason":"IMAP is open to you over TLS only/);
  assert.ok(!office.log.includes(PASSWORD));
});
