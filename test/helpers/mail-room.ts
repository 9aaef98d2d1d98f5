/**
 * The mail room of a small office, within the test's process: a real store in a temporary folder, a real directory, and
 * SMTP, submission, LMTP and POP3 on free ports. Ends with the test, and asserts that nothing went wrong by our own fault.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { BlockList, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { PasswordAuthenticator } from '../../src/auth/authenticator.ts';
import type { Check } from '../../src/delivery/in-delivery.ts';
import { DeliveryPipeline } from '../../src/delivery/pipeline.ts';
import { Senders } from '../../src/delivery/senders.ts';
import type { Delivery, Outgoing } from '../../src/delivery/types.ts';
import { type Configured, UNCONFIGURED } from '../../src/directory/access/settings.ts';
import { Directory } from '../../src/directory/directory.ts';
import { lmtpProtocol } from '../../src/lmtp/protocol.ts';
import type { LineProtocol } from '../../src/net/connection-types.ts';
import { ConnectionLimits } from '../../src/net/limits.ts';
import { Listener } from '../../src/net/listener.ts';
import { Reports } from '../../src/outbound/report/reporter.ts';
import { DEFAULT_POP3_LIMITS, type Pop3Limits } from '../../src/pop3/context.ts';
import { leastExpiry } from '../../src/pop3/expiry.ts';
import { pop3Protocol } from '../../src/pop3/protocol.ts';
import { srsOf } from '../../src/signing/signing.ts';
import { DEFAULT_SMTP_LIMITS, type SmtpLimits } from '../../src/smtp/context.ts';
import { smtpProtocol, submissionProtocol } from '../../src/smtp/protocol.ts';
import type { Reception } from '../../src/smtp/strangers.ts';
import type { AccountId, Milliseconds } from '../../src/store/ids.ts';
import { INBOX } from '../../src/store/operations/mailboxes.ts';
import { MailStore, type StoreOptions } from '../../src/store/store.ts';
import { certificate, Peer, silent } from '../net/helpers.ts';

export const PASSWORD = 'correct horse battery';
export const DOMAIN = 'office.test';

type Service = 'smtp' | 'submission' | 'submissions' | 'lmtp' | 'pop3';

/** One for all rooms of a process: making it takes a while. */
let madeCertificate: ReturnType<typeof certificate> | undefined;

export interface MailRoomOptions {
  /** Names of the people, each `name@office.test`. */
  readonly people?: readonly string[];
  readonly quotas?: Readonly<Record<string, number>>;
  readonly smtp?: Partial<SmtpLimits>;
  readonly pop3?: Partial<Pop3Limits>;
  /** What the configuration says of settings of the access policy. */
  readonly policy?: Partial<Configured>;
  /** Between two sign-ins over POP3. */
  readonly loginDelay?: Milliseconds;
  /** How the store is opened; a directory that is named goes away with the room. */
  readonly storeOptions?: Partial<StoreOptions>;
  readonly connectionsByAccount?: number;
  /** Clients come from another machine: each connection begins with a PROXY header that says so. */
  readonly fromAfar?: boolean;
  readonly detailFolders?: boolean;
  /** Where mail for people elsewhere goes; absent: it is refused. */
  readonly outgoing?: Outgoing;
  /** Who is behind a reverse path that this server made when it forwarded; absent: nobody. */
  readonly originalSender?: (reversePath: string) => string | undefined;
  /** Copies that go on for one account in an hour. */
  readonly forwardedByHour?: number;
  /** Checks on what arrives. */
  readonly checks?: (store: MailStore) => readonly Check[];
  /** Who receives strangers over SMTP; absent: everybody is a friend. */
  readonly reception?: Reception;
  /** Something to put between the protocols and the store: a fault. */
  readonly store?: (store: MailStore) => MailStore;
}

export interface MailRoom {
  /** The data directory. */
  readonly folder: string;
  readonly store: MailStore;
  readonly directory: Directory;
  readonly delivery: Delivery;
  readonly reports: Reports;
  /** What our own code did wrong; asserted to be empty at the end, unless the test empties it. */
  readonly faults: unknown[];
  /** Credentials of devices that two programs were seen to use at once. */
  readonly sharedDevices: readonly number[];
  /** Connects, and takes the greeting. */
  connect(service: Service): Promise<Client>;
  /** Where a service listens, on 127.0.0.1. */
  port(service: Service): number;
  /** Every message in somebody's INBOX as they would fetch it, in order. */
  inbox(person: string): Promise<string[]>;
  /** The same of another folder. */
  folderOf(person: string, path: string): Promise<string[]>;
  /** Delivers by LMTP; lines may end in LF. */
  deliver(person: string, message: string): Promise<void>;
}

/** A client that talks in lines. */
export class Client extends Peer {
  /** Sends a command and takes its reply, all lines of it. */
  async ask(command: string): Promise<string> {
    this.send(`${command}\r\n`);
    return this.reply();
  }

  /** The next reply of SMTP or LMTP, all lines of it, or the next line of POP3. */
  async reply(): Promise<string> {
    let reply = '';
    for (;;) {
      const line = await this.until('\r\n');
      reply += line;
      if (!/^\d{3}-/.test(line)) return reply;
    }
  }

  /** A multi-line response of POP3, its first and its last line apart, the dots taken off. */
  async lines(command: string): Promise<string> {
    const first = await this.ask(command);
    assert.match(first, /^\+OK/);
    let text = '';
    for (;;) {
      const line = await this.until('\r\n');
      if (line === '.\r\n') return text;
      text += line.startsWith('.') ? line.slice(1) : line;
    }
  }

  /** Begins TLS after the go-ahead to STARTTLS or STLS. */
  async startTls(): Promise<Client> {
    const plain = this.socket;
    plain.removeAllListeners('data');
    plain.setEncoding();
    const socket = connectTls({ socket: plain, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    return new Client(socket);
  }
}

export async function mailRoom(t: TestContext, options: MailRoomOptions = {}): Promise<MailRoom> {
  const folder = options.storeOptions?.directory ?? (await mkdtemp(join(tmpdir(), 'rainmail-room-')));
  const opened = await MailStore.open({
    command: 'test',
    diskWatermarkBytes: 0,
    ...options.storeOptions,
    directory: folder,
  });
  const store = options.store?.(opened) ?? opened;
  const configured = { ...UNCONFIGURED, ...options.policy };
  const directory = await Directory.open(opened.engine, undefined, { configured, tokens: false });
  opened.devices.useRules(async (account) => (await directory.access(account)).pop3.letGo);
  for (const person of options.people ?? ['anna', 'ben']) {
    const quotaBytes = options.quotas?.[person] ?? null;
    await directory
      .by('the test')
      .accounts.add({ address: `${person}@${DOMAIN}`, password: PASSWORD, quotaBytes, makeDomain: true });
  }
  const faults: unknown[] = [];
  const onInternalError = (error: unknown) => faults.push(error);
  const authenticator = new PasswordAuthenticator({ directory });
  const reports = new Reports({
    hostname: 'mail.office.test',
    store,
    directory,
    language: 'en',
    languageOf: async (account) => (await directory.access(account)).language,
    isThere: async (account) => (await directory.accountOf(account)) !== undefined,
    outgoing: options.outgoing,
    originalSender: options.originalSender ?? (() => undefined),
    giveUp: 5 * 86_400_000,
  });
  const delivery = new DeliveryPipeline(directory, store, {
    hostname: 'mail.office.test',
    detailFolders: options.detailFolders ?? false,
    notices: reports,
    outgoing: options.outgoing && { ...options.outgoing, srs: srsOf(directory) },
    forwardedByHour: options.forwardedByHour,
    senders: new Senders(directory, directory),
    checks: options.checks?.(store) ?? [],
    onCheckFailed: (_check, error) => faults.push(error),
  });
  const shared = {
    authenticator,
    store,
    delivery,
    startTls: true,
    onInternalError,
    onCommand: () => {},
    sharedDevices: [] as number[],
  };
  const smtp = { ...shared, hostname: 'mail.office.test', limits: { ...DEFAULT_SMTP_LIMITS, ...options.smtp } };
  const pop3 = {
    ...shared,
    limits: { ...DEFAULT_POP3_LIMITS, ...options.pop3 },
    loginDelayTime: options.loginDelay ?? 0,
    leastExpiry: async () => leastExpiry(await directory.letGoRules()),
    onSharedDevice: (_account: AccountId, credential: number) => shared.sharedDevices.push(credential),
  };

  madeCertificate ??= certificate();
  const { context } = await madeCertificate;
  const limits = new ConnectionLimits({
    connections: 1000,
    byAddress: 1000,
    byAccount: options.connectionsByAccount ?? 1000,
  });
  const proxies = new BlockList();
  if (options.fromAfar === true) proxies.addAddress('127.0.0.1');
  const listen = (protocol: LineProtocol, implicitTls = false) =>
    Listener.listen({
      protocol,
      addresses: [{ host: '127.0.0.1', port: 0 }],
      implicitTls,
      certificates: { tlsOptions: () => ({ isServer: true, secureContext: context }) },
      limits,
      linesAWindow: 1_000_000,
      proxies,
      log: silent,
      onInternalError: (_where, error) => faults.push(error),
    });
  const listeners: Record<Service, Listener> = {
    smtp: await listen(smtpProtocol({ ...smtp, reception: options.reception })),
    submission: await listen(submissionProtocol(smtp)),
    submissions: await listen(submissionProtocol(smtp), true),
    lmtp: await listen(lmtpProtocol(smtp)),
    pop3: await listen(pop3Protocol(pop3)),
  };
  const clients: Client[] = [];
  t.after(async () => {
    for (const client of clients) client.socket.destroy();
    for (const listener of Object.values(listeners)) await listener.stop(0);
    await opened.close();
    await rm(folder, { recursive: true });
    assert.deepEqual(faults, []);
  });

  const room: MailRoom = {
    folder,
    store,
    directory,
    delivery,
    reports,
    faults,
    sharedDevices: shared.sharedDevices,
    port: (service) => listeners[service].addresses[0]!.port,
    async connect(service) {
      const port = room.port(service);
      const tls = service === 'submissions';
      const socket = tls
        ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
        : connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
      await once(socket, tls ? 'secureConnect' : 'connect');
      const client = new Client(socket);
      clients.push(client);
      if (options.fromAfar === true) client.send('PROXY TCP4 192.0.2.7 192.0.2.1 40000 25\r\n');
      await client.reply();
      return client;
    },
    inbox: (person) => room.folderOf(person, 'INBOX'),
    async folderOf(person, path) {
      const { id } = await directory.account(`${person}@${DOMAIN}`);
      const mailbox = (await opened.mailboxes.list(id)).find((each) => each.path === path)?.id ?? INBOX;
      const view = await opened.view({ account: id, mailbox });
      const messages: string[] = [];
      for (let index = 0; index < view.length; index += 1) {
        const [record] = await opened.emails(id, [view.email(index)]);
        const body = await opened.bodies.whole(id, record!.email, record!.body);
        messages.push(Buffer.concat([record!.prefix, body]).toString('latin1'));
      }
      return messages;
    },
    async deliver(person, message) {
      const client = await room.connect('lmtp');
      client.send(`LHLO test\r\nMAIL FROM:<sender@elsewhere.test>\r\nRCPT TO:<${person}@${DOMAIN}>\r\nDATA\r\n`);
      await client.until('354');
      const lines = `\r\n${message.replace(/\r?\n/g, '\r\n')}`.replaceAll('\r\n.', '\r\n..').slice(2);
      client.send(`${lines}${lines.endsWith('\r\n') ? '' : '\r\n'}.\r\nQUIT\r\n`);
      assert.match(await client.untilEnd(), /\r\n250 2\.0\.0 .*\r\n221 /);
      client.socket.destroy();
    },
  };
  return room;
}

/** The message without the trace lines that delivery put before it: Return-Path, Delivered-To, Received. */
export function withoutTrace(message: string): string {
  const match = /^Return-Path: [^\r]*\r\nDelivered-To: [^\r]*\r\nReceived: [^\r]*\r\n(?:\t[^\r]*\r\n)*/.exec(message);
  assert.ok(match, `no trace lines: ${message.slice(0, 300)}`);
  return message.slice(match[0].length);
}
