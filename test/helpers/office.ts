/**
 * An office for tests: a real server process on free ports, in a folder of its own that goes away with the test. When the test ends,
 * the server is ended by SIGTERM and must say that it met no fault of its own.
 *
 *   const office = await trialOffice(t, { people: ['anna', 'ben'] });
 *   await office.deliver({ to: 'anna', subject: 'Invoice' });
 *   const [laptop] = office.devices('anna', ['laptop']);
 *   assert.deepEqual(await laptop.pop3((session) => session.subjects()), ['Invoice']);
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { perform } from '../../src/cli/perform.ts';
import { SERVICES, type ServiceName } from '../../src/config/services.ts';
import { importAccounts } from '../../src/server/admin/import-accounts.ts';
import { status } from '../../src/server/admin/status.ts';
import { rainmail } from './command-line.ts';
import { ImapDevice, LineClient, Pop3Device } from './line-client.ts';
import { saslPlain } from './sasl-plain.ts';
import { ENVIRONMENT, MAIN, ServerProcess } from './server-process.ts';

export { type CommandResult, rainmail } from './command-line.ts';

const run = promisify(execFile);

export interface OfficeRequest {
  /** Names of accounts at office.test, each with the password {@link PASSWORD}. */
  readonly people?: readonly string[];
  /** More lines for the configuration file, such as `[limits]\nmessage = "1MB"`. */
  readonly config?: string;
  /** As the server calls itself; mail.office.test if absent. */
  readonly name?: string;
  /** Addresses and ports for mail from other servers; a free port if absent. */
  readonly smtp?: readonly string[];
  /** The same for HTTPS. */
  readonly https?: readonly string[];
  /** Every service at its standard port, on every address: in a network of the test's own. */
  readonly standardPorts?: boolean;
  /** More environment for the server. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Faults of ours that the test provokes; otherwise the server must have met none. */
  readonly internalErrors?: number;
  /** Folders below the temporary one, to keep it in. */
  readonly below?: string;
}

/** Everybody's password. */
export const PASSWORD = 'green apples in autumn';

/** Starts an office. It is ended, and its folder removed, when the test is over. */
export async function trialOffice(t: TestContext, request: OfficeRequest = {}): Promise<TrialOffice> {
  const folder = await mkdtemp(join(tmpdir(), 'rainmail-test-'));
  const office = new TrialOffice(join(folder, request.below ?? ''), request.internalErrors ?? 0);
  office.environment = request.environment ?? {};
  t.after(async () => {
    try {
      await office.lastly().finally(() => office.end());
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
  await writeConfig(office, request);
  const rows = (request.people ?? ['anna']).map((name) => `${office.address(name)},${PASSWORD},${name},`);
  await perform(importAccounts, { text: rows.join('\n') }, office);
  await office.start();
  return office;
}

/** Serves a data directory that is there already, as `data` in a folder of its own. The server is ended when the test is over. */
export async function officeOn(t: TestContext, data: string): Promise<TrialOffice> {
  const folder = await mkdtemp(join(tmpdir(), 'rainmail-test-'));
  const office = new TrialOffice(folder, 0);
  t.after(async () => {
    try {
      await office.end();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
  await rename(data, office.data);
  await writeConfig(office);
  await office.start();
  return office;
}

/** Mail leaves only in a test whose configuration says where to. */
function noWayOut(config: string): string {
  return config.includes('[outbound]') ? '' : '[outbound]\nenabled = false\n';
}

/** Every service on a free port, if not on its own. */
async function writeConfig({ folder, config }: TrialOffice, request: OfficeRequest = {}): Promise<void> {
  const { config: more = '', standardPorts = false, name = 'mail.office.test', smtp, https } = request;
  await mkdir(folder, { recursive: true });
  const given: Readonly<Record<string, readonly string[] | undefined>> = { smtp, https };
  const addresses = (service: string) => JSON.stringify(given[service] ?? ['127.0.0.1:0']);
  const listen = standardPorts ? [] : SERVICES.map((service) => `${service.name} = ${addresses(service.name)}`);
  await writeFile(config, `name = "${name}"\n[listen]\n${listen.join('\n')}\n${more}\n${noWayOut(more)}`);
}

export interface Mail {
  readonly to: string | readonly string[];
  readonly from?: string;
  readonly subject?: string;
  readonly text?: string;
  /** The whole message, instead of subject and text; lines end in CRLF. */
  readonly raw?: string | Buffer;
}

export class TrialOffice {
  readonly folder: string;
  readonly data: string;
  readonly config: string;
  /** What is looked at when the test is over, while the server still runs. */
  lastly: () => Promise<void> = async () => {};
  /** More environment for the server, from its next start on. */
  environment: Readonly<Record<string, string>> = {};
  readonly #expectedErrors: number;
  #server: ServerProcess | undefined;
  #ports: Partial<Record<ServiceName, number>> = {};

  constructor(folder: string, expectedErrors: number) {
    this.folder = folder;
    this.data = join(folder, 'data');
    this.config = join(folder, 'rainmail.toml');
    this.#expectedErrors = expectedErrors;
  }

  address(name: string): string {
    return name.includes('@') ? name : `${name}@office.test`;
  }

  /** The port of a service. New after each {@link start}. */
  port(service: ServiceName): number {
    const port = this.#ports[service];
    if (port === undefined) throw new Error(`${service} does not listen`);
    return port;
  }

  /** Process id of the server. */
  get pid(): number {
    return this.#running.child.pid!;
  }

  /** What the server has logged since it was started: JSON lines. */
  get log(): string {
    return this.#server?.log ?? '';
  }

  /** Resolves when the server's log is as wanted. */
  until(wanted: () => boolean): Promise<void> {
    return this.#running.until(wanted);
  }

  /** Starts the server; resolves when every port listens. */
  async start(): Promise<void> {
    const args = [MAIN, 'serve', '--data', this.data, '--config', this.config];
    this.#server = new ServerProcess(process.execPath, args, { env: { ...ENVIRONMENT, ...this.environment } });
    await this.#server.ready();
    const { server: facts } = await perform(status, {}, this);
    this.#ports = Object.fromEntries(facts!.listening.map(({ service, port }) => [service, port]));
  }

  /** Ends the server with a signal and waits until it has. @returns its exit code, null when the signal killed it */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const server = this.#running;
    server.signal(signal);
    const code = await server.end();
    this.#server = undefined;
    return code;
  }

  /** Waits until the server ends by itself. @returns its exit code, null when a signal killed it; and its log */
  async ended(): Promise<{ code: number | null; log: string }> {
    const server = this.#running;
    const code = await server.end();
    this.#server = undefined;
    return { code, log: server.log };
  }

  /** Kills it as a power cut of the process would. */
  async kill(): Promise<void> {
    await this.stop('SIGKILL');
  }

  /** Stops it in order and starts it again. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** A command of the command line on this office; its JSON result. Rejects when it fails. */
  async command(...args: string[]): Promise<unknown> {
    const { code, stdout, stderr } = await rainmail([...args, '--data', this.data, '--json']);
    if (code !== 0) throw new Error(`rainmail ${args.join(' ')} ended with ${code}: ${stdout}${stderr}`);
    return JSON.parse(stdout);
  }

  /** Hands a message over by LMTP. Resolves when it is acknowledged for everyone. */
  async deliver({ to, from = 'someone@example.org', subject = 'Hello', text = 'Hello.', raw }: Mail): Promise<void> {
    const recipients = [to].flat().map((name) => this.address(name));
    const message =
      raw ??
      `From: <${from}>\r\nTo: ${recipients.join(', ')}\r\nSubject: ${subject}\r\n\r\n${text.replace(/\r?\n/g, '\r\n')}\r\n`;
    const client = await LineClient.connect(this.port('lmtp'));
    try {
      await client.reply('220');
      await client.ask('LHLO test', '250');
      await client.ask(`MAIL FROM:<${from}>`, '250');
      for (const recipient of recipients) await client.ask(`RCPT TO:<${recipient}>`, '250');
      await client.ask('DATA', '354');
      client.send(dotStuffed(message));
      for (const _ of recipients) await client.reply('250');
      await client.ask('QUIT', '221');
    } finally {
      client.close();
    }
  }

  /** Submits a whole message, signed in as its sender. Resolves when it is acknowledged. @param parameters  of MAIL */
  async submit({
    from,
    to,
    raw,
    parameters = '',
  }: {
    from: string;
    to: string | readonly string[];
    raw: string;
    parameters?: string;
  }): Promise<void> {
    const client = await LineClient.connect(this.port('submission'));
    try {
      await client.reply('220');
      await client.ask('EHLO test', '250');
      const plain = saslPlain(this.address(from), PASSWORD);
      await client.ask(`AUTH PLAIN ${plain}`, '235');
      await client.ask(`MAIL FROM:<${this.address(from)}> ${parameters}`.trimEnd(), '250');
      for (const name of [to].flat()) await client.ask(`RCPT TO:<${this.address(name)}>`, '250');
      await client.ask('DATA', '354');
      client.send(dotStuffed(raw));
      await client.reply('250');
      await client.ask('QUIT', '221');
    } finally {
      client.close();
    }
  }

  /** Devices of one person, each with POP3 and IMAP. */
  devices<const Names extends readonly string[]>(person: string, names: Names): { [Index in keyof Names]: Device } {
    return names.map(() => new Device(this, this.address(person))) as { [Index in keyof Names]: Device };
  }

  /** A value of the metrics page, summed over its labels; 0 when it isn't there. */
  async metric(name: string): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${this.port('health')}/metrics`);
    const lines = (await response.text()).split('\n').filter((line) => new RegExp(`^${name}[ {]`).test(line));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  /** Ends the office for good; called by itself at the end of the test. */
  async end(): Promise<void> {
    if (this.#server === undefined) return;
    const server = this.#server;
    if (server.ended) assert.fail(`the server ended by itself:\n${server.log}`);
    const errors = await this.metric('rainmail_internal_errors_total');
    const code = await this.stop();
    assert.equal(errors, this.#expectedErrors, `the server met ${errors} faults of its own:\n${server.log}`);
    assert.equal(code, 0, `the server ended with ${code}:\n${server.log}`);
  }

  get #running(): ServerProcess {
    if (this.#server === undefined) throw new Error('the server does not run');
    return this.#server;
  }
}

/** One device of a person: it signs in anew for each story. */
class Device {
  readonly #office: TrialOffice;
  readonly #address: string;

  constructor(office: TrialOffice, address: string) {
    this.#office = office;
    this.#address = address;
  }

  /** A POP3 session: signed in before, QUIT after. */
  async pop3<T>(story: (session: Pop3Device) => Promise<T>): Promise<T> {
    const session = await Pop3Device.signIn(this.#office.port('pop3'), this.#address, PASSWORD);
    try {
      const result = await story(session);
      await session.quit();
      return result;
    } finally {
      session.close();
    }
  }

  /** An IMAP session with INBOX selected: signed in before, LOGOUT after. */
  async imap<T>(story: (session: ImapDevice) => Promise<T>): Promise<T> {
    const session = await ImapDevice.signIn(this.#office.port('imap'), this.#address, PASSWORD);
    try {
      await session.command('SELECT INBOX');
      const result = await story(session);
      await session.command('LOGOUT');
      return result;
    } finally {
      session.close();
    }
  }
}

/** A message as DATA carries it, with its final dot (RFC 5321 4.5.2). */
export function dotStuffed(message: string | Buffer): Buffer {
  const text = message.toString('latin1' as BufferEncoding);
  const stuffed = text.replace(/^\./gm, '..');
  return Buffer.from(`${stuffed}${stuffed.endsWith('\r\n') ? '' : '\r\n'}.\r\n`, 'latin1');
}

/** Runs a program and returns its standard output; rejects with its standard error when it fails. */
export async function output(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
) {
  const { stdout } = await run(command, args, { ...options, maxBuffer: 64 << 20 });
  return stdout;
}
