/** A real browser: the system's Chromium, without a screen. */
import type { TestContext } from 'node:test';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { needsTool } from './tools.ts';

/** It should ask nothing of anybody but the pages it is sent to. */
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage', // the shared memory of a container is small, and a picture that finds no room there fails
];

export const DESKTOP = { viewport: { width: 1280, height: 800 } } as const;
export const PHONE = {
  viewport: { width: 390, height: 844 },
  isMobile: true,
  hasTouch: true,
  userAgent:
    'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36',
} as const;

/** Long enough for the slowest machine; what a page has not shown by then it does not show. */
const PATIENCE = 120_000;

/** Starts a browser with a profile of its own; end it with `close`. Undefined, with the test skipped aloud: there is none. */
export async function openBrowser(t: TestContext): Promise<Browser | undefined> {
  const executablePath = needsTool(t, 'chromium');
  return executablePath === undefined ? undefined : chromium.launch({ executablePath, args: QUIET, timeout: PATIENCE });
}

/** A tab of somebody who has not been here before. It is closed with the test; what its pages complain of fails the test. */
export async function newTab(
  t: TestContext,
  browser: Browser,
  options: BrowserContextOptions = DESKTOP,
): Promise<Page> {
  const context: BrowserContext = await browser.newContext({ ...options, ignoreHTTPSErrors: true });
  context.setDefaultTimeout(PATIENCE);
  context.setDefaultNavigationTimeout(PATIENCE);
  const complaints: string[] = [];
  const page = await context.newPage();
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    // That an answer was a refusal is no complaint: a test may want it.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text());
  });
  t.after(async () => {
    await context.close();
    if (complaints.length > 0) throw new Error(`the page complained: ${complaints.join('\n')}`);
  });
  return page;
}

/** What the person sees. A browser on a machine that is busy may fail to draw in time, which says nothing of the page: it is asked three times. */
export async function pictureOf(page: Page): Promise<Buffer> {
  await page.bringToFront();
  for (let left = 2; ; left--) {
    try {
      return await page.screenshot();
    } catch (error) {
      if (left === 0 || !String(error).includes('Unable to capture screenshot')) throw error;
    }
  }
}
