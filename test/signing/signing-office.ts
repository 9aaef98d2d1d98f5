/** An office that signs, with a DNS of the test's own, and the judges of what it signed. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promises as dns } from 'node:dns';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import type { ARCData } from 'mailauth';
import { arc } from 'mailauth/lib/arc/index.js';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { pino } from 'pino';
import type { Directory } from '../../src/directory/directory.ts';
import { Resolver } from '../../src/dns/resolver.ts';
import { recordName, recordText } from '../../src/signing/key.ts';
import { Signing } from '../../src/signing/signing.ts';
import { sql } from '../../src/store/engine/sql.ts';
import type { AccountId, EpochSeconds, QueueId } from '../../src/store/ids.ts';
import type { OutboundOptions } from '../../src/store/types.ts';
import { type Office, openOffice } from '../directory/office.ts';
import { defer } from '../helpers/defer.ts';
import { type ScriptedDns, scriptedDns } from '../helpers/dns-server.ts';
import { emptyFolder } from '../helpers/folder.ts';

const run = promisify(execFile);

const PRIVATE_KEYS = sql<readonly [key: string]>('SELECT private_key FROM dkim_key');

/** What a mail program writes. */
export const LETTER = [
  'From: Anna Lee <anna@office.test>',
  'To: Carl <carl@example.net>',
  'Subject: The offer',
  'Date: Mon, 23 Nov 2026 10:00:00 +0000',
  'Message-ID: <1@office.test>',
  '',
  'Dear Carl,  ',
  '',
  '\tthe offer.',
  '',
].join('\r\n');

interface Leaving {
  readonly options?: OutboundOptions;
  /** Lines that this server puts before it. */
  readonly prefix?: string;
  readonly account?: AccountId;
  /** Bytes a piece. */
  readonly piece?: number;
}

class SigningOffice {
  readonly directory: Directory;
  readonly engine: Office['engine'];
  readonly dns: ScriptedDns;
  readonly signing: Signing;
  readonly faults: unknown[] = [];
  /** How often a message was read. */
  reads = 0;
  #last = 0;

  constructor(
    { directory, engine }: Office,
    dns: ScriptedDns,
    make: (onInternalError: (error: unknown) => void) => Signing,
  ) {
    this.directory = directory;
    this.engine = engine;
    this.dns = dns;
    this.signing = make((error) => this.faults.push(error));
  }

  /** As the store has them, PEM. */
  async everyPrivateKey(): Promise<string[]> {
    return (await this.engine.read(async (tx) => tx.all(PRIVATE_KEYS))).map(([key]) => key);
  }

  /** Puts the records of all keys of a domain into the DNS, and looks. */
  async publish(domain: string): Promise<void> {
    for (const key of await this.signing.keyring.keys(domain))
      this.dns.say('TXT', recordName(key), inParts(recordText(key)));
    await this.signing.keyring.look(domain);
  }

  /** The message as it leaves. */
  async leaves(letter: string | Buffer, leaving: Leaving = {}): Promise<Buffer> {
    const { options = { ours: true as const }, prefix = '', account = 1 as AccountId, piece = 65_536 } = leaving;
    const bytes = Buffer.concat([Buffer.from(prefix), Buffer.from(letter)]);
    const office = this;
    async function* read() {
      office.reads++;
      for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
    }
    const message = { id: ++this.#last as QueueId, account, prefix: Buffer.from(prefix), options };
    return Buffer.concat([await this.signing.signer.sign(message, read), bytes]);
  }

  /** What mailauth finds of its signatures: `rsa-sha256 pass`. */
  async checked(message: Buffer): Promise<string[]> {
    const { results } = await dkimVerify(message, { resolver: resolving(this.dns), strict: true });
    return results.flatMap(({ algo, status }) => (algo === undefined ? [] : [`${algo} ${status.result}`])).sort();
  }

  /** And of its chain: `pass i=1`. */
  async chain(message: Buffer): Promise<string> {
    const resolver = resolving(this.dns);
    const found = await dkimVerify(message, { resolver, strict: true });
    const { status, i } = await arc(found.arc as ARCData, { resolver, strict: true });
    return `${status.result} i=${i}`;
  }
}

function resolving({ server }: ScriptedDns) {
  const resolver = new dns.Resolver();
  resolver.setServers([`${server.host}:${server.port}`]);
  return (name: string, type: string) => resolver.resolve(name, type) as Promise<string[][]>;
}

/** RFC 1035 3.3.14: strings of 255 bytes. */
export function inParts(text: string): string[] {
  return text.match(/.{1,255}/g)!;
}

/** @param now  for the keys; the machine's clock if absent */
export async function signingOffice(
  t: TestContext,
  people: readonly string[] = ['anna@office.test'],
  now?: () => EpochSeconds,
): Promise<SigningOffice> {
  const opened = await openOffice(t, { people });
  const { engine, directory } = opened;
  const dns = await scriptedDns(t);
  const resolver = new Resolver({ servers: [dns.server], validating: false, timeout: 20_000 });
  const log = pino({ level: 'silent' });
  const office = new SigningOffice(
    opened,
    dns,
    (onInternalError) => new Signing({ engine, directory, resolver, log, onInternalError, ...(now && { now }) }),
  );
  defer(t, async () => {
    await office.signing.close();
    assert.deepEqual(office.faults, []);
  });
  return office;
}

/**
 * OpenDKIM's judgement of messages, with the same records: its results, in their order (`pass`). Rejects when it can't read one.
 */
export async function openDkim(
  t: TestContext,
  opendkim: string,
  office: SigningOffice,
  messages: readonly Buffer[],
): Promise<string[]> {
  const folder = await emptyFolder(t);
  const keys: string[] = [];
  for (const domain of await office.directory.domains())
    for (const key of await office.signing.keyring.keys(domain)) keys.push(`${recordName(key)} ${recordText(key)}`);
  const [records, config] = [join(folder, 'keys'), join(folder, 'conf')];
  await writeFile(records, `${keys.join('\n')}\n`);
  await writeFile(config, `Mode v\nTestPublicKeys ${records}\n`);
  const files = messages.map((_, index) => join(folder, `${index}.eml`));
  for (const [index, message] of messages.entries()) {
    // Messages end in a line end on the wire; it can't read a file that does not.
    const end = message.toString('latin1').endsWith('\r\n') ? '' : '\r\n';
    await writeFile(files[index]!, Buffer.concat([message, Buffer.from(end)]));
  }
  const { stdout, stderr } = await run(opendkim, ['-x', config, '-t', files.join(','), '-v', '-v', '-v'], {
    maxBuffer: 16 * 1_048_576,
  });
  return [...`${stdout}${stderr}`.matchAll(/\bdkim=(\w+)/g)].map(([, result]) => result!);
}

/** One office for all tests of a file, whose keys are shown: making keys takes its time. */
export function sharedSigningOffice(): () => SigningOffice {
  let office: SigningOffice | undefined;
  const ends: (() => Promise<void>)[] = [];
  before(async () => {
    const context = { after: (end: () => Promise<void>) => ends.push(end) } as unknown as TestContext;
    office = await signingOffice(context);
    await office.publish('office.test');
  });
  after(async () => {
    for (const end of ends.reverse()) await end();
  });
  return () => office!;
}
