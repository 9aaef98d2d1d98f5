/** Mail programs that sign in with a token of a real OpenID provider. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ImapFlow } from 'imapflow';
import { createTransport } from 'nodemailer';
import { TrialProvider } from '../helpers/openid-provider.ts';
import { needsTool } from '../helpers/tools.ts';
import { clientOffice } from './client.ts';

const ANNA = 'anna@office.test';

test('real mail programs sign in with a token, and say so when it is wrong', async (t) => {
  const [curl, python] = [needsTool(t, 'curl'), needsTool(t, 'python3')];
  if (curl === undefined || python === undefined) return;
  const provider = await TrialProvider.start(t);
  const { office, home } = await clientOffice(t, { people: ['anna'], config: provider.config('scope = "mail"') });
  const tokens = {
    TOKEN: await provider.token({ algorithm: 'ES256' }),
    OPAQUE: await provider.token({ opaque: true }),
    WRONG: await provider.forge({ claims: { aud: 'photos' } }),
  };
  const ca = await readFile(home.ca);

  for (const [scheme, service, path] of [
    ['imaps', 'imaps', ''],
    ['imap', 'imap', ''],
    ['pop3s', 'pop3s', ''],
    ['pop3', 'pop3', ''],
    ['smtps', 'submissions', 'laptop'],
    ['smtp', 'submission', 'laptop'],
  ] as const) {
    for (const mechanism of ['OAUTHBEARER', 'XOAUTH2']) {
      await t.test(`curl over ${scheme} by ${mechanism}`, async () => {
        const url = `${scheme}://localhost:${office.port(service)}/${path}`;
        const signIn = ['--user', `${ANNA}:`, '--login-options', `AUTH=${mechanism}`];
        const run = async (token: string) => {
          await home.file('token', `oauth2-bearer = "${token}"\n`); // not on the command line, where everybody sees it
          const tls = ['--ssl-reqd', '--cacert', home.ca, '--config', home.path('token')];
          return home.try(curl, ['-sS', ...tls, ...signIn, '-X', 'NOOP', '-I', url]);
        };
        for (const token of [tokens.TOKEN, tokens.OPAQUE]) {
          const { code, stderr } = await run(token);
          assert.equal(code, 0, stderr);
        }
        assert.equal((await run(tokens.WRONG)).code, 67); // login denied
      });
    }
  }

  await t.test('nodemailer', async () => {
    const transport = (accessToken: string) =>
      createTransport({
        host: 'localhost',
        port: office.port('submissions'),
        secure: true,
        tls: { ca },
        auth: { type: 'OAuth2', user: ANNA, accessToken },
      });
    await transport(tokens.TOKEN).sendMail({ from: ANNA, to: ANNA, subject: 'By a token', text: 'Hello.' });
    await assert.rejects(transport(tokens.WRONG).verify(), /535|Can't create new access token/);
  });

  await t.test('imapflow, which finds the message there', async () => {
    const signIn = async (accessToken: string) => {
      const imap = new ImapFlow({
        host: 'localhost',
        port: office.port('imaps'),
        secure: true,
        tls: { ca },
        auth: { user: ANNA, accessToken },
        logger: false,
      });
      await imap.connect();
      return imap;
    };
    const imap = await signIn(tokens.OPAQUE);
    await imap.mailboxOpen('INBOX');
    assert.deepEqual(((await imap.fetchOne('*', { envelope: true })) || undefined)?.envelope?.subject, 'By a token');
    await imap.logout();
    await assert.rejects(signIn(tokens.WRONG), /Command failed|Authentication/i);
  });

  await t.test('imaplib, poplib and smtplib', async () => {
    const ports = ['imaps', 'pop3s', 'submission'] as const;
    const [phone] = office.devices('anna', ['phone']);
    await phone.pop3((session) => session.dele(1));
    const { code, stderr } = await home.try(python, ['-B', join(import.meta.dirname, 'python-openid.py')], '', {
      ...tokens,
      CA: home.ca,
      ...Object.fromEntries(ports.map((service) => [service.toUpperCase(), String(office.port(service))])),
    });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^Ran 3 tests/m);
  });
});
