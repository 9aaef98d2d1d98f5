/** What people do on the settings page with mail of theirs that has not left yet. */
import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { perform } from '../../../src/cli/perform.ts';
import { addAccount } from '../../../src/server/admin/accounts.ts';
import { listAudit } from '../../../src/server/admin/audit.ts';
import { listQueue } from '../../../src/server/admin/queue.ts';
import { holdQueued } from '../../../src/server/admin/queue-change.ts';
import { listTrace } from '../../../src/server/admin/trace.ts';
import { DESKTOP, newTab, openBrowser, PHONE } from '../../helpers/browser.ts';
import { PASSWORD } from '../../helpers/office.ts';
import { type ScriptedPeerOptions, scriptedPeer } from '../../outbound/scripted-peer.ts';
import { sharedOffice } from '../shared-office.ts';
import { faultsOfSight } from './sight.ts';
import { Visitor } from './visitor.ts';

/** Takes mail for everybody but those who are called so. */
const peerOptions: ScriptedPeerOptions = {
  says: (command, line) => (command === 'RCPT' && line.includes('<slow') ? '450 4.2.0 come again' : undefined),
};
const ends: (() => Promise<void>)[] = [];
const forAll = { after: (end: () => Promise<void>) => ends.push(end) } as unknown as TestContext;
const peer = await scriptedPeer(forAll, peerOptions);
const route = `[[routes]]\ndomains = ["*"]\nhost = "127.0.0.1"\nport = ${peer.port}\ntls = "opportunistic"`;
const shared = sharedOffice({ people: ['ben'], config: `[outbound]\n${route}` });
after(async () => {
  for (const end of ends) await end();
});

let people = 0;

/** Somebody whom no other test knows, at the page. */
async function newcomer(): Promise<{ name: string; page: Visitor }> {
  const name = `person${++people}@office.test`;
  await perform(addAccount, { address: name, password: PASSWORD, name: '', quotaBytes: null }, shared.office);
  const page = new Visitor(shared.office.port('https'));
  assert.equal((await page.signIn(name, PASSWORD)).status, 303);
  return { name, page };
}

async function send(from: string, to: readonly string[], { subject = 'Offer', parameters = '' } = {}): Promise<void> {
  const raw = `From: ${from}\r\nSubject: ${subject}\r\n\r\nHello.\r\n`;
  await shared.office.submit({ from, to, raw, parameters });
}

/** Numbers of what waits of somebody, in the queue. */
async function queued(account: string): Promise<number[]> {
  const { entries } = await perform(listQueue, { account, most: 100 }, shared.office);
  return [...new Set(entries.map(({ id }) => id))];
}

/** Resolves when somebody's newest message has been tried. @returns its number in the queue */
async function tried(account: string): Promise<number> {
  const id = (await queued(account)).at(-1)!;
  const line = new RegExp(`"queue":${id},.*"mail that leaves"`);
  await shared.office.until(() => line.test(shared.office.log));
  return id;
}

const LATER = { parameters: 'HOLDFOR=86400' };
const list = async (page: Visitor) => (await page.get('/settings/trace')).text.replace(/.*Waiting to be sent/, '');

test('what waits is on the page of who sent it, with the reason, and with nobody else', async () => {
  const [{ name, page }, other] = [await newcomer(), await newcomer()];
  assert.match(await list(page), /^ Nothing of yours waits: all that you sent has left\./);
  await send(name, ['carl@example.net', 'ben@office.test'], { ...LATER, subject: 'Party <b>' });
  await send(name, ['slow@example.net'], { subject: 'Offer' });
  await tried(name);
  const text = await list(page);
  assert.match(
    text,
    /Offer .* slow@example\.net The mail server of the recipient asked to try again later\. It is tried/,
  );
  assert.match(text, /The last answer: \S+ \[127\.0\.0\.1\] said: 450 4\.2\.0 come again/);
  assert.match(text, /Party &lt;b>.* carl@example\.net, ben@office\.test It waits for its time, and leaves \d/);
  assert.match(await list(other.page), /^ Nothing of yours waits/);
  const ben = new Visitor(shared.office.port('https'));
  await ben.signIn('ben@office.test', PASSWORD);
  assert.match(await list(ben), /^ Nothing of yours waits/);
});

test('the sender takes it back from whom they choose, hears who had it, and the trace and the audit tell it', async () => {
  const { name, page } = await newcomer();
  await send(name, ['slow@example.net', 'quick@example.net', 'slower@example.net', 'ben@office.test']);
  const id = await tried(name);
  const question = await page.get(`/settings/trace?stop=${id}`);
  assert.match(question.text, /Take it back\? .* Nobody is told, and your own copy stays\./);
  assert.match(question.text, /Too late quick@example\.net, ben@office\.test: it has left for there\./);
  assert.match(question.text, /Who is not to get it\? slow@example\.net .* slower@example\.net .* Don't send/);
  assert.equal((await page.post('/settings/trace/take-back', { id: String(id) })).status, 400);
  const done = await page.post('/settings/trace/take-back', { id: String(id), recipient: '2' });
  assert.equal(done.status, 303);
  const { text } = await page.get('/settings/trace');
  assert.match(
    text,
    /Taken back: it is not sent to slower@example\.net\. For quick@example\.net, ben@office\.test it had/,
  );
  assert.match(text, new RegExp(`was taken back for slower@example\\.net by ${name} on the settings page`));
  await page.post('/settings/trace/take-back', { id: String(id), all: 'on' });
  assert.match(await list(page), /^ Nothing of yours waits/);
  assert.deepEqual(await queued(name), []);
  assert.equal((await page.get(`/settings/trace?stop=${id}`)).status, 200);
  await page.post('/settings/trace/take-back', { id: String(id), recipient: '0' });
  assert.match((await page.get('/settings/trace')).text, /For quick@example\.net, ben@office\.test it had left before/);

  const audit = await perform(listAudit, { about: name, most: 10 }, shared.office);
  const changes = audit.filter(({ action }) => action === 'queue.withdraw');
  assert.deepEqual(
    changes.map(({ actor, detail }) => [actor, detail]),
    [
      [`${name} on the settings page`, { ids: [id] }],
      [`${name} on the settings page`, { ids: [id] }],
    ],
  );
  const [laptop] = shared.office.devices(name, ['laptop']);
  await laptop.imap(async (session) => {
    assert.match((await session.command('STATUS Sent (MESSAGES)')).untagged.join(), /MESSAGES 1/);
    assert.match((await session.command('STATUS INBOX (MESSAGES)')).untagged.join(), /MESSAGES 0/, 'no report');
  });
  const { stories } = await perform(listTrace, { queue: id, most: 1 }, shared.office);
  assert.equal(stories[0]!.events.filter(({ kind }) => kind === 'withdraw').length, 2);
});

test('nobody else’s mail can be touched, whatever the form says', async () => {
  const [{ name, page }, other] = [await newcomer(), await newcomer()];
  await send(name, ['carl@example.net', other.name], LATER);
  const [id] = await queued(name);
  for (const number of [String(id), '4711', '0', '-1', 'x', '9'.repeat(40)]) {
    for (const action of ['take-back', 'hasten']) {
      const answer = await other.page.post(`/settings/trace/${action}`, { id: number, recipient: '0', all: 'on' });
      assert.ok([400, 404].includes(answer.status), `${number} ${answer.status}`);
    }
    const { text } = await other.page.get(`/settings/trace?stop=${number}`);
    assert.match(text, /This message does not wait any more/);
    assert.doesNotMatch(text, /carl@example\.net/);
  }
  const forged = await page.post('/settings/trace/take-back', { id: String(id), all: 'on', csrf: 'x' });
  assert.equal(forged.status, 400);
  const foreign = { origin: 'https://elsewhere.example' };
  assert.equal((await page.post('/settings/trace/take-back', { id: String(id), all: 'on' }, foreign)).status, 400);
  assert.deepEqual(await queued(name), [id]);
});

test('mail for later is sent now; what was put off is tried again, and not over and over', async () => {
  const { name, page } = await newcomer();
  await send(name, ['slow@example.net', 'quick@example.net'], LATER);
  const [id] = await queued(name);
  assert.equal((await page.post('/settings/trace/hasten', { id: String(id) })).status, 303);
  assert.match((await page.get('/settings/trace')).text, /It leaves now for slow@example\.net, quick@example\.net\./);
  await tried(name);
  const again = await page.post('/settings/trace/hasten', { id: String(id) });
  assert.deepEqual([again.status, /Wait 10 minutes/.test(again.text)], [429, true]);
  await perform(holdQueued, { ids: [id!] }, shared.office);
  assert.match(await list(page), /slow@example\.net An administrator holds it until it may go on\./);
});

test('much that waits is read page by page', async () => {
  const { name, page } = await newcomer();
  for (let at = 1; at <= 11; at++) await send(name, [`carl${at}@example.net`], { ...LATER, subject: `Number ${at}.` });
  const first = await page.get('/settings/trace');
  assert.match(first.text, /Waiting to be sent .* Number 11\. .* Number 2\. /);
  assert.doesNotMatch(first.text, / Number 1\. /);
  const older = /href="(\/settings\/trace\?before=\d+-\d+)"/.exec(first.body)![1]!;
  const { text } = await page.get(older);
  assert.match(text, / Number 1\. .*Back to the newest/);
  assert.doesNotMatch(text, / Number 2\. /);
  assert.equal((await page.get('/settings/trace?before=1-x')).status, 200);
});

let browser: Browser | undefined;
after(() => browser?.close());

test('in a browser, light and dark, on a desk and on a phone, it is taken back with two clicks', async (t) => {
  browser = await openBrowser(t);
  if (browser === undefined) return;
  const { name } = await newcomer();
  for (const size of [DESKTOP, PHONE]) {
    await send(name, ['slow@example.net', 'quick@example.net'], { subject: 'A long offer '.repeat(20) });
    await tried(name);
    await send(name, ['carl@example.net', 'dora@a-very-long-name-of-a-domain.example'], { ...LATER, subject: 'Party' });
    const page = await newTab(t, browser, { ...size, baseURL: `https://127.0.0.1:${shared.office.port('https')}` });
    await page.goto('/settings/trace');
    await page.getByLabel('Mail address').fill(name);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    const faults: string[] = [];
    const look = async (what: string) => {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        for (const fault of await faultsOfSight(page)) faults.push(`${what}, ${colorScheme}: ${fault}`);
      }
    };
    const waiting = page.locator('section', { has: page.getByRole('heading', { name: 'Waiting to be sent' }) });
    await look('list');
    await waiting.getByRole('link', { name: "Don't send: Party" }).click();
    await look('question');
    await page.getByLabel('carl@example.net').uncheck();
    await page.getByRole('button', { name: "Don't send" }).click();
    await page.getByText('Taken back: it is not sent to dora@').waitFor();
    await waiting.getByRole('button', { name: 'Send now: Party' }).click();
    await page.getByText('It leaves now for carl@example.net.').waitFor();
    await look('told');
    assert.deepEqual(faults, []);
    for (const id of await queued(name)) await shared.office.command('queue', 'remove', String(id), '--yes');
  }
});
