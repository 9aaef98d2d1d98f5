/** An office and its neighbours, all at port 25 of addresses of their own, with a DNS and a certificate authority that the office trusts. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { QueueListed } from '../../src/server/admin/queue.ts';
import { Authority, type Certificate } from '../helpers/authority.ts';
import { defer } from '../helpers/defer.ts';
import { type ScriptedDns, scriptedDns } from '../helpers/dns-server.ts';
import { LineClient } from '../helpers/line-client.ts';
import { dotStuffed, PASSWORD, type TrialOffice, trialOffice } from '../helpers/office.ts';
import { ADDRESS } from '../helpers/own-network.ts';
import { EXIM_USERS } from './exim.ts';
import { OPENSMTPD_USERS } from './opensmtpd.ts';
import { addUsers, emptied } from './own-users.ts';
import { addAddress, type MakePeer, startPeer } from './peer-server.ts';
import { POSTFIX_USERS } from './postfix.ts';

const ANNA = 'anna@office.test';
const OFFICE = '192.0.2.10';
const OFFICE_6 = '2001:db8::10';
/** Serves the policies of all domains. */
const POLICIES = '192.0.2.5';

export interface Neighbour {
  readonly domain: string;
  readonly host: string;
  readonly address: string;
  readonly address6: string;
  readonly certificate: Certificate;
  /** Its own. */
  readonly folder: string;
}

export class Village {
  readonly dns: ScriptedDns;
  readonly authority: Authority;
  office!: TrialOffice;
  readonly #t: TestContext;
  readonly #folder: string;
  #neighbours = 10;

  private constructor(t: TestContext, folder: string, dns: ScriptedDns, authority: Authority) {
    this.#t = t;
    this.#folder = folder;
    this.dns = dns;
    this.authority = authority;
  }

  static async build(t: TestContext): Promise<Village> {
    const folder = await mkdtemp(join(tmpdir(), 'rainmail-peers-'));
    await chmod(folder, 0o755); // the servers' own users come this way
    defer(t, () => rm(folder, { recursive: true, force: true }));
    await addUsers(folder, [...POSTFIX_USERS, ...EXIM_USERS, ...OPENSMTPD_USERS]);
    for (const hidden of ['/var/spool', '/var/lib', '/run']) emptied(hidden);
    for (const address of [OFFICE, OFFICE_6, POLICIES]) addAddress(address);
    const dns = await scriptedDns(t, { host: ADDRESS, port: 53 });
    dns.authentic = true;
    const village = new Village(t, folder, dns, await Authority.make());
    await village.#openOffice();
    return village;
  }

  async #openOffice(): Promise<void> {
    const { cert, key } = await this.authority.issue(['mail.office.test']);
    const file = (name: string) => join(this.#folder, name);
    await writeFile(file('office.pem'), cert);
    await writeFile(file('office.key'), key, { mode: 0o600 });
    await writeFile(file('authority.pem'), this.authority.own);
    this.dns.say('MX', 'office.test', { preference: 10, exchange: 'mail.office.test' });
    this.host('mail.office.test', OFFICE, OFFICE_6);
    this.office = await trialOffice(this.#t, {
      standardPorts: true,
      environment: { NODE_EXTRA_CA_CERTS: file('authority.pem') },
      config: `addresses = ["127.0.0.1", "${OFFICE}", "[${OFFICE_6}]"]
[tls]
certificate = "${file('office.pem')}"
key = "${file('office.key')}"
[dns]
servers = ["${ADDRESS}"]
validating = true
[outbound]
localAddresses = ["${OFFICE}", "${OFFICE_6}"]
[checks]
greetingDelay = "0s"`,
    });
  }

  /** A server of the distribution, for a domain of its own. @param certificate  one of the authority, if it is absent */
  async neighbour(name: string, make: MakePeer, given?: Certificate): Promise<Neighbour> {
    const domain = `${name}.test`;
    const host = `mx.${domain}`;
    this.#neighbours += 1;
    const [address, address6] = [`192.0.2.${this.#neighbours}`, `2001:db8::${this.#neighbours}`];
    const certificate = given ?? (await this.authority.issue([host]));
    this.host(host, address);
    this.domain(domain, host);
    const neighbour = { domain, host, address, address6, certificate, folder: join(this.#folder, name) };
    await startPeer(this.#t, { ...neighbour, echo: ANNA }, make);
    return neighbour;
  }

  /** A domain whose mail these hosts take, the first before the second. */
  domain(name: string, ...hosts: readonly string[]): void {
    this.dns.say('MX', name, ...hosts.map((exchange, at) => ({ preference: 10 * (at + 1), exchange })));
  }

  host(name: string, address?: string, address6?: string): void {
    this.dns.say('A', name, ...(address === undefined ? [] : [address]));
    this.dns.say('AAAA', name, ...(address6 === undefined ? [] : [address6]));
  }

  /** Serves an MTA-STS policy for each of these domains, which names its hosts. */
  async policies(hosts: Readonly<Record<string, string>>): Promise<void> {
    const domains = Object.keys(hosts);
    const server = createServer(
      await this.authority.issue(domains.map((domain) => `mta-sts.${domain}`)),
      (request, response) => {
        const domain = request.headers.host!.slice('mta-sts.'.length);
        response.writeHead(200, { 'Content-Type': 'text/plain' });
        response.end(`version: STSv1\nmode: enforce\nmx: ${hosts[domain]}\nmax_age: 86400\n`);
      },
    );
    await new Promise<void>((resolve) => server.listen(443, POLICIES, resolve));
    defer(this.#t, () => server.close());
    for (const domain of domains) {
      this.dns.say('TXT', `_mta-sts.${domain}`, 'v=STSv1; id=1;');
      this.dns.say('A', `mta-sts.${domain}`, POLICIES);
    }
  }

  /** Anna sends a message. @param raw  in UTF-8 */
  async send(to: string, raw: string): Promise<void> {
    const utf8 = /^[\x00-\x7f]*$/.test(to) ? '' : ' SMTPUTF8';
    const client = await LineClient.connect(this.office.port('submission'));
    try {
      await client.reply('220');
      await client.ask('EHLO test', '250');
      await client.ask(`AUTH PLAIN ${Buffer.from(`\0${ANNA}\0${PASSWORD}`).toString('base64')}`, '235');
      await client.ask(`MAIL FROM:<${ANNA}> BODY=8BITMIME${utf8}`, '250');
      await client.ask(`RCPT TO:<${Buffer.from(to).toString('latin1')}>`, '250');
      await client.ask('DATA', '354');
      client.send(dotStuffed(Buffer.from(raw).toString('latin1')));
      await client.reply('250');
      await client.ask('QUIT', '221');
    } finally {
      client.close();
    }
  }

  /** Anna sends a message and has it back: the whole of it, as it came. */
  async echo(to: string, subject: string, body: string): Promise<string> {
    const head = [`From: <${ANNA}>`, `To: <${to}>`, `Subject: ${subject}`, 'Content-Type: text/plain; charset=utf-8'];
    await this.send(to, `${head.join('\r\n')}\r\n\r\n${body}`);
    return this.arrived(`SUBJECT "${subject}"`);
  }

  /** Waits for a message in Anna's INBOX. @param criteria  of IMAP's SEARCH */
  async arrived(criteria: string): Promise<string> {
    const [device] = this.office.devices('anna', ['laptop']);
    return device.imap(async (session) => {
      for (;;) {
        const {
          uids: [uid],
          more,
        } = await session.uidsAndMore(criteria);
        if (uid !== undefined) return Buffer.from(await session.content(uid), 'latin1').toString();
        if (more) continue;
        session.send('idle IDLE\r\n');
        while (!/^\* \d+ EXISTS/.test(await session.line())); // what else it says does not matter
        session.send('DONE\r\n');
        while (!(await session.line()).startsWith('idle OK'));
      }
    });
  }

  /** What the last attempt for somebody came to, once there was one. */
  async putOff(to: string): Promise<string> {
    const lines = () => this.office.log.split('\n').length;
    for (;;) {
      const seen = lines();
      const { entries } = (await this.office.command('queue', 'list')) as QueueListed;
      const reply = entries.find(({ recipient }) => recipient === to)?.reply ?? '';
      if (reply !== '') return reply.replace(/^\S+ \[[^\]]+\](?: said)?: /, '');
      await this.office.until(() => lines() > seen);
    }
  }

  /** Recipients whose mail others took, by how it was protected. */
  async taken(): Promise<Readonly<Record<string, number>>> {
    const response = await fetch(`http://127.0.0.1:${this.office.port('health')}/metrics`);
    const counted = [...(await response.text()).matchAll(/^rainmail_outbound_sent_total\{tls="(.+)"\} (\d+)$/gm)];
    return Object.fromEntries(counted.map(([, tls, count]) => [tls, Number(count)]));
  }
}
