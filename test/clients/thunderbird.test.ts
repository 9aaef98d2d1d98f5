import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { issueCertificate } from '../helpers/authority.ts';
import { defer } from '../helpers/defer.ts';
import { serveNames } from '../helpers/name-server.ts';
import { PASSWORD, type TrialOffice, trialOffice } from '../helpers/office.ts';
import { ADDRESS, ownNetwork } from '../helpers/own-network.ts';
import { needsTool } from '../helpers/tools.ts';
import { Thunderbird } from './thunderbird.ts';

const skip = (await ownNetwork()) ?? false;

const ANNA = { name: 'Anna Adler', address: 'anna@office.test', password: PASSWORD };
const BEN = { name: 'Ben Beck', address: 'ben@branch.test', password: PASSWORD };
const DOMAINS = ['office.test', 'branch.test'];

/**
 * An office as the Internet sees it, and somebody's new Thunderbird there: standard ports, the names that Rainmail wants for each domain, and a
 * certificate of an authority: for names of the one domain, but for none of the other.
 */
async function newThunderbird(t: TestContext): Promise<{ office: TrialOffice; thunderbird: Thunderbird } | undefined> {
  for (const tool of ['thunderbird', 'Xvfb', 'certutil', 'nsd']) if (!needsTool(t, tool)) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'rainmail-thunderbird-'));
  defer(t, () => rm(folder, { recursive: true }));
  const names = ['mail.office.test', 'autoconfig.office.test', 'autodiscover.office.test'];
  const { authority, certificate, key } = await issueCertificate(folder, names);
  const office = await trialOffice(t, {
    people: [ANNA.address, BEN.address],
    standardPorts: true,
    config: `[tls]\ncertificate = "${certificate}"\nkey = "${key}"`,
  });
  const zones: Record<string, string> = {};
  for (const domain of DOMAINS) {
    const { zoneFile } = (await office.command('dns', 'records', domain)) as { zoneFile: string };
    zones[domain] = zoneFile;
  }
  zones['office.test'] += `\nmail A ${ADDRESS}`; // which the administrator knows
  await serveNames(t, join(folder, 'zones'), zones);
  return { office, thunderbird: await Thunderbird.start(t, { home: folder, authority }) };
}

/** How many messages a folder on the server has. */
async function count(office: TrialOffice, address: string, folder: string): Promise<number> {
  const to = join(office.folder, `${address} ${folder}`);
  const report = await office.command('export', address, '--folder', folder, '--to', to);
  return (report as { folders: { messages: number }[] }).folders[0]!.messages;
}

const server = (type: string, port: number, user: string) =>
  ({ type, host: 'mail.office.test', port, user, security: 'TLS', signIn: 'password' }) as const;

test('Thunderbird, told name, address and password, finds the rest', { skip }, async (t) => {
  const { office, thunderbird } = (await newThunderbird(t)) ?? {};
  if (office === undefined || thunderbird === undefined) return;
  await office.command('policy', 'set', 'domain', 'branch.test', 'imap=off');
  await office.deliver({ to: ANNA.address, subject: 'Invoice' });
  await office.deliver({ to: BEN.address, subject: 'Order' });

  await t.test('where people use IMAP', async () => {
    assert.deepEqual(await thunderbird.addAccount(ANNA), { offered: ['imap', 'pop3'], recommended: 'imap' });
    assert.deepEqual(await thunderbird.settings(ANNA.address), {
      incoming: server('imap', 993, ANNA.address),
      outgoing: server('smtp', 465, ANNA.address),
    });
    await thunderbird.receives(ANNA.address, 'Invoice');
  });

  await t.test('where people use POP3', async () => {
    assert.deepEqual(await thunderbird.addAccount(BEN), { offered: ['pop3'], recommended: 'pop3' });
    assert.deepEqual(await thunderbird.settings(BEN.address), {
      incoming: server('pop3', 995, BEN.address),
      outgoing: server('smtp', 465, BEN.address),
      leaves: { mail: true, days: 36_500 },
    });
    await thunderbird.receives(BEN.address, 'Order');
    assert.equal(await count(office, BEN.address, 'INBOX'), 1);
  });

  await t.test('and what is sent from it arrives, and is in Sent once', async () => {
    await thunderbird.send({ from: ANNA.address, to: BEN.address, subject: 'Lunch', text: 'At one?' });
    await thunderbird.receives(BEN.address, 'Lunch');
    await thunderbird.send({ from: BEN.address, to: ANNA.address, subject: 'One is fine', text: 'See you.' });
    await thunderbird.receives(ANNA.address, 'One is fine');
    assert.equal(await count(office, ANNA.address, 'Sent'), 1);
    assert.equal(await count(office, BEN.address, 'Sent'), 1);
  });
});
