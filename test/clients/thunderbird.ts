/**
 * Thunderbird, used as a person uses it: its own windows, on a display that nobody sees. It needs a network of its own.
 * With THUNDERBIRD_PICTURES=FOLDER each step of its dialog is a picture there, for people to look at.
 */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { defer } from '../helpers/defer.ts';
import { ServerProcess } from '../helpers/server-process.ts';
import { Marionette, PATIENCE } from './marionette.ts';
import { type AccountSettings, HUB, MAIL } from './thunderbird-code.ts';

const run = promisify(execFile);

/** As Debian installs it; the command `thunderbird` is a script around it. */
const PROGRAM = '/usr/lib/thunderbird/thunderbird';
const PORT = 2828;
const PREFERENCES = {
  'marionette.port': PORT,
  // As it is where nobody drives it: passwords are kept.
  'signon.rememberSignons': true,
  // A network with nothing but loopback is one, too.
  'network.manage-offline-status': false,
  'offline.autoDetect': false,
  // Nothing but what the test is about.
  'app.update.enabled': false,
  'extensions.update.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'datareporting.policy.dataSubmissionPolicyBypassNotification': true,
  'mailnews.start_page.enabled': false,
  'mail.rights.version': 1,
  'mail.biff.show_alert': false,
};

export interface Person {
  readonly name: string;
  readonly address: string;
  readonly password: string;
}

export interface Letter {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** What its dialog has found: protocols from above to below, and the one that is chosen if nobody chooses. */
export interface Found {
  readonly offered: readonly string[];
  readonly recommended: string;
}

export class Thunderbird {
  readonly #marionette: Marionette;
  #pictures = 0;

  private constructor(marionette: Marionette) {
    this.#marionette = marionette;
  }

  /**
   * Starts it as on its first day; it ends with the test.
   * @param home a folder that is there and outlives what is deferred from now on, for its profile
   * @param authority PEM file of the one who signs certificates: told to this Thunderbird alone
   */
  static async start(t: TestContext, { home, authority }: { home: string; authority: string }): Promise<Thunderbird> {
    const display = await startDisplay(t);
    const profile = join(home, 'profile');
    await mkdir(profile);
    const lines = Object.entries(PREFERENCES).map(([name, value]) => `user_pref("${name}", ${value});\n`);
    await writeFile(join(profile, 'user.js'), lines.join(''));
    const database = ['-d', `sql:${profile}`];
    await run('certutil', ['-N', ...database, '--empty-password']);
    await run('certutil', ['-A', ...database, '-n', 'authority', '-t', 'C,,', '-i', authority]);
    const args = ['--marionette', '--remote-allow-system-access', '--no-remote', '--profile', profile];
    const environment = { PATH: process.env['PATH'], HOME: home, DISPLAY: display, LANG: 'C.UTF-8', NO_AT_BRIDGE: '1' };
    const program = new ServerProcess(PROGRAM, args, { env: environment });
    defer(t, () => program.kill());
    await inTime(program, () => program.out.includes(`Listening on port ${PORT}`));
    const marionette = await Marionette.connect(PORT);
    defer(t, () => marionette.close());
    return new Thunderbird(marionette);
  }

  /**
   * Adds an account in the dialog: name and address, what it found, password, done.
   * @param choice the protocol to take of those it found, if not the recommended one
   * Rejects with what the dialog says when it goes another way.
   */
  async addAccount({ name, address, password }: Person, choice?: 'imap' | 'pop3'): Promise<Found> {
    const hub = this.#marionette;
    // It comes by itself on the first day.
    await hub.run(
      `${HUB} if (!isFirstRun()) await window.openAccountHub('MAIL'); await until(() => visible('#realName'));`,
    );
    await hub.type(`${HUB} return visible('#realName');`, name);
    await hub.type(`${HUB} return visible('#email');`, address);
    await this.#goOn('email-auto-form', 'email-config-found');
    const found = await hub.run<Found>(`${HUB}
      const options = [...visible('email-config-found').querySelectorAll('.config-option')].filter((each) => each.checkVisibility());
      const ids = (elements) => elements.map(({ id }) => id);
      return { offered: ids(options), recommended: ids(options.filter((each) => each.matches('.recommended-protocol'))).join() };`);
    if (choice !== undefined) await hub.click(`${HUB} return visible('email-config-found #${choice}');`);
    await this.#goOn('email-config-found', 'email-password-form');
    await hub.type(`${HUB} return visible('#password');`, password);
    await this.#goOn('email-password-form', 'email-added-success');
    await hub.click(`${HUB} return visible('#forward');`);
    await hub.run(`${HUB} await until(() => !step() && hub().querySelector('#email').value === '');`);
    return found;
  }

  /** How it has set up somebody's account. */
  settings(address: string): Promise<AccountSettings> {
    return this.#marionette.run(`${MAIL} return settingsOf(accountOf(args[0]));`, address);
  }

  /** Asks for new mail, and waits until somebody's Inbox shows a message with this subject. */
  async receives(address: string, subject: string): Promise<void> {
    await this.#marionette.run(`${MAIL} await receive(accountOf(args[0]), args[1]);`, address, subject);
  }

  /** Writes a letter in a window of its own and sends it; resolves when it is sent, and Thunderbird has filed what it files. */
  async send({ from, to, subject, text }: Letter): Promise<void> {
    await this.#marionette.run(`${MAIL} await send(accountOf(args[0]), args[1]);`, from, { to, subject, body: text });
  }

  /** Continues from one step of the dialog to the next. */
  async #goOn(from: string, to: string): Promise<void> {
    const hub = this.#marionette;
    await hub.run(`${HUB} await until(() => visible('#forward:not([disabled])'));`);
    await this.#picture(from);
    await hub.click(`${HUB} return visible('#forward');`);
    const [arrived, says] = await hub.run<[step: string, says: string]>(
      `${HUB}
      await until(() => !visible('account-hub-email.busy') && step() && (step().localName !== args[0] || failure()));
      return [step().localName, failure()?.textContent.replace(/\\s+/g, ' ').trim() ?? ''];`,
      from,
    );
    if (arrived === to) return;
    await this.#picture(arrived);
    throw new Error(`Thunderbird went from ${from} to ${arrived}, not to ${to}: ${says}`);
  }

  async #picture(step: string): Promise<void> {
    const folder = process.env['THUNDERBIRD_PICTURES'];
    if (folder === undefined) return;
    await writeFile(join(folder, `${++this.#pictures}-${step}.png`), await this.#marionette.screenshot());
  }
}

async function startDisplay(t: TestContext): Promise<string> {
  // No lock and no socket in /tmp: a display of another network may have the same number.
  const args = ['-displayfd', '1', '-nolock', '-nolisten', 'unix', '-nolisten', 'tcp', '-screen', '0', '1280x900x24'];
  const display = new ServerProcess('Xvfb', args);
  defer(t, () => display.kill());
  await inTime(display, () => display.out.includes('\n'));
  return `:${display.out.trim()}`;
}

/** Waits until a program has said what is wanted, or for so long that it never will. */
async function inTime(program: ServerProcess, wanted: () => boolean): Promise<void> {
  const patience = setTimeout(() => program.signal('SIGKILL'), PATIENCE); // which rejects, with what it has said
  await program.until(wanted).finally(() => clearTimeout(patience));
}
