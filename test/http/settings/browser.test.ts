import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { perform } from '../../../src/cli/perform.ts';
import { setPolicy } from '../../../src/server/admin/policy.ts';
import { DESKTOP, newTab, openBrowser, PHONE, pictureOf } from '../../helpers/browser.ts';
import { emptyFolder } from '../../helpers/folder.ts';
import { ImapDevice } from '../../helpers/line-client.ts';
import { output, PASSWORD } from '../../helpers/office.ts';
import { needsTool } from '../../helpers/tools.ts';
import { sharedOffice } from '../shared-office.ts';
import { faultsOfSight } from './sight.ts';

const shared = sharedOffice({ people: ['anna', 'pia', 'carl', 'dora', 'emil'] });
const PAGES = ['set-up', 'phone', 'app-passwords', 'password', 'sessions', 'forwarding', 'trace', 'profile'];

let browser: Browser | undefined;
after(() => browser?.close());

/** A tab at the settings page. Undefined: there is no browser, and the test is skipped. */
async function tab(t: TestContext, options: BrowserContextOptions = DESKTOP): Promise<Page | undefined> {
  browser ??= await openBrowser(t);
  if (browser === undefined) return undefined;
  const page = await newTab(t, browser, { ...options, baseURL: `https://127.0.0.1:${shared.office.port('https')}` });
  await page.goto('/');
  return page;
}

async function signIn(page: Page, name: string, password = PASSWORD): Promise<void> {
  await page.getByLabel('Mail address').fill(`${name}@office.test`);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

function imapSignIn(name: string, password: string): Promise<ImapDevice> {
  return ImapDevice.signIn(shared.office.port('imap'), `${name}@office.test`, password);
}

async function textOf(element: Locator): Promise<string> {
  return (await element.textContent()) ?? '';
}

/** The value beside a name, in the part of the page with this heading. */
async function fact(page: Page, heading: RegExp, name: string): Promise<string> {
  const card = page.locator('section', { has: page.getByRole('heading', { name: heading }) });
  const line = card.locator('.facts > div', { has: page.locator('dt', { hasText: name }) });
  const copied = line.locator('[data-copy]');
  return textOf((await copied.count()) > 0 ? copied : line.locator('dd'));
}

test('a person with IMAP signs in by keyboard alone and sees the values for IMAP', async (t) => {
  const page = await tab(t);
  if (page === undefined) return;
  await page.keyboard.type('anna@office.test');
  await page.keyboard.press('Tab');
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/settings/set-up');
  const imap = /Reading mail: IMAP/;
  assert.equal(await fact(page, imap, 'Server'), 'mail.office.test');
  assert.equal(await fact(page, imap, 'Port'), String(shared.office.port('imaps')));
  assert.equal(await fact(page, /Sending mail/, 'Port'), String(shared.office.port('submissions')));
  assert.equal(await fact(page, /Sending mail/, 'User name'), 'anna@office.test');

  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate('document.activeElement.textContent'), 'To the content', 'the first stop');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate('document.activeElement.id'), 'content');

  await page.getByText('Thunderbird (Windows').click();
  assert.ok(await page.getByText(`host name mail.office.test, port ${shared.office.port('imaps')}`).isVisible());
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('button', { name: 'Copy: User name' }).first().click();
  await page.getByRole('status').filter({ hasText: 'Copied' }).waitFor({ state: 'attached' });
  assert.equal(await page.evaluate('navigator.clipboard.readText()'), 'anna@office.test');
});

test('a person with POP3 sees POP3 on the phone, and why IMAP is not there', async (t) => {
  const whom = { scope: 'account', name: 'pia@office.test' } as const;
  await perform(setPolicy, { ...whom, settings: ['imap=off'] }, shared.office);
  const page = await tab(t, PHONE);
  if (page === undefined) return;
  await signIn(page, 'pia');
  assert.equal(await fact(page, /Fetching mail: POP3/, 'Port'), String(shared.office.port('pop3s')));
  assert.equal(await page.getByRole('heading', { name: /Reading mail: IMAP/ }).count(), 0);
  assert.ok(await page.getByText('IMAP is not open to you').isVisible());
});

test('without scripts everything is there but the buttons to copy', async (t) => {
  const page = await tab(t, { ...DESKTOP, javaScriptEnabled: false });
  if (page === undefined) return;
  await signIn(page, 'emil');
  assert.equal(await fact(page, /Reading mail: IMAP/, 'User name'), 'emil@office.test');
  assert.equal(await page.getByRole('button', { name: /Copy/ }).count(), 0);
  await page.getByRole('link', { name: 'Profile' }).click();
  await page.getByLabel('Name').fill('Emil Ek');
  await page.getByRole('button', { name: 'Save' }).click();
  assert.equal(await textOf(page.getByRole('status')), 'Your name is saved.');
  assert.equal(await page.getByLabel('Name').inputValue(), 'Emil Ek');
  await page.getByRole('button', { name: 'Sign out' }).click();
  assert.match(await textOf(page.getByRole('status')), /You are signed out/);
  await page.goBack();
  await page.reload();
  assert.match(page.url(), /sign-in/, 'nothing is left to go back to');
});

test('an app password made here signs a mail program in, which is ended from here', async (t) => {
  const page = await tab(t);
  if (page === undefined) return;
  await signIn(page, 'carl');
  await page.getByRole('link', { name: 'App passwords' }).click();
  await page.getByLabel('Device').fill('laptop');
  await page.getByRole('button', { name: 'Make an app password' }).click();
  const password = await textOf(page.locator('.secret'));
  const laptop = await imapSignIn('carl', password);

  await page.getByRole('link', { name: 'Signed in' }).click();
  await page.getByText('with the app password "laptop"').waitFor();
  await page.getByRole('button', { name: /^Sign out: Mail program \(IMAP\)/ }).click();
  assert.equal(await textOf(page.getByRole('status').first()), 'One session was ended.');
  assert.match(await laptop.line(), /BYE/);

  await page.getByRole('link', { name: 'App passwords' }).click();
  await page.getByRole('button', { name: 'Take back: laptop' }).click();
  await page.getByText('You have no app passwords yet.').waitFor();
  await assert.rejects(imapSignIn('carl', password));
});

test('a password that is changed in one browser signs the other one out', async (t) => {
  const [here, elsewhere] = [await tab(t), await tab(t, PHONE)];
  if (here === undefined || elsewhere === undefined) return;
  await signIn(here, 'dora');
  await signIn(elsewhere, 'dora');
  await here.getByRole('link', { name: 'Password', exact: true }).click();
  await here.getByLabel('Current password').fill(PASSWORD);
  await here.getByLabel('New password', { exact: true }).fill('plum jam on toast');
  await here.getByLabel('New password, once more').fill('plum jam on toast');
  await here.getByRole('button', { name: 'Change the password' }).click();
  assert.equal(await textOf(here.getByRole('status')), 'Your password is changed.');
  await elsewhere.getByRole('link', { name: 'Profile' }).click();
  assert.match(await textOf(elsewhere.getByRole('status')), /You are signed out/);
  await signIn(elsewhere, 'dora');
  assert.match(await textOf(elsewhere.getByRole('alert')), /wrong/);
  await signIn(elsewhere, 'dora', 'plum jam on toast');
  await elsewhere.waitForURL('**/settings/profile');
});

test('a phone reads the code on the screen, and gets a password that signs it in', async (t) => {
  const zbarimg = needsTool(t, 'zbarimg');
  const [desk, phone] = [await tab(t, { ...DESKTOP, colorScheme: 'dark' }), await tab(t, PHONE)];
  if (desk === undefined || phone === undefined || zbarimg === undefined) return;
  await signIn(desk, 'anna');
  await desk.getByRole('link', { name: 'Phone' }).click();
  await desk.getByRole('button', { name: 'Show the code' }).click();
  const picture = join(await emptyFolder(t), 'screen.png');
  await writeFile(picture, await pictureOf(desk));
  const link = (await output(zbarimg, ['--quiet', '--raw', '-Sdisable', '-Sqrcode.enable', picture])).trim();
  assert.match(link, /^https:\/\/127\.0\.0\.1:\d+\/settings\/start\?link=[\w-]{32}$/);
  await phone.goto(link);
  await phone.getByRole('button', { name: 'This is another phone' }).click();
  (await imapSignIn('anna', await textOf(phone.locator('.secret')))).close();
});

test('every page can be read and used in light and dark, on a desk and on a phone', async (t) => {
  for (const size of [DESKTOP, PHONE]) {
    const page = await tab(t, size);
    if (page === undefined) return;
    const faults: string[] = [];
    const look = async (what: string) => {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        for (const fault of await faultsOfSight(page)) faults.push(`${what}, ${colorScheme}: ${fault}`);
      }
    };
    await look('sign-in');
    await signIn(page, 'anna', 'wrong');
    await look('sign-in refused');
    await signIn(page, 'anna');
    for (const path of PAGES) {
      await page.goto(`/settings/${path}`);
      await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true");
      await look(path);
    }
    await page.goto('/settings/phone');
    await page.getByRole('button', { name: 'Show the code' }).click();
    await page.evaluate("document.querySelector('details').open = true");
    await look('code');
    assert.deepEqual(faults, []);
  }
});
