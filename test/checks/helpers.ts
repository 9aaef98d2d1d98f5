/** Mail from strangers: signed and sealed by keys of the test, sent over real SMTP, judged by what a real DNS server says. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { TestContext } from 'node:test';
import { dkimSign, sealMessage } from 'mailauth';
import { authenticationCheck } from '../../src/checks/authentication/check.ts';
import type { Policy } from '../../src/checks/authentication/decide.ts';
import type { Authentication, Decision } from '../../src/checks/authentication/types.ts';
import { Reception } from '../../src/checks/limits/reception.ts';
import { defaults } from '../../src/config/schema.ts';
import { networks } from '../../src/config/units.ts';
import { Resolver } from '../../src/dns/resolver.ts';
import type { Milliseconds } from '../../src/store/ids.ts';
import type { ScriptedDns } from '../helpers/dns-server.ts';
import { type Client, type MailRoom, type MailRoomOptions, mailRoom } from '../helpers/mail-room.ts';

const RSA = generateKeyPairSync('rsa', { modulusLength: 1_024 });
const ED25519 = generateKeyPairSync('ed25519');
const WEAK = generateKeyPairSync('rsa', { modulusLength: 512 });

export const KEYS = { rsa: RSA.privateKey, ed25519: ED25519.privateKey, weak: WEAK.privateKey } as const;

/** The key record of a selector (RFC 6376 3.6.1, RFC 8463 4). */
export function keyRecord(kind: keyof typeof KEYS): string {
  if (kind === 'ed25519') {
    const raw = ED25519.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
    return `v=DKIM1; k=ed25519; p=${raw.toString('base64')}`;
  }
  const { publicKey } = kind === 'rsa' ? RSA : WEAK;
  return `v=DKIM1; k=rsa; p=${publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`;
}

const pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string;

export interface Signing {
  readonly domain: string;
  readonly selector?: string;
  readonly key?: keyof typeof KEYS;
  /** Bytes of the body that it covers. */
  readonly length?: number;
  readonly algorithm?: string;
  /** Fields it covers. */
  readonly headerList?: readonly string[];
}

/** The message with a signature. Lines end in CRLF. */
export async function signed(message: string, signing: Signing): Promise<string> {
  const { domain, selector = 's1', key = 'rsa', length, algorithm, headerList } = signing;
  const signature = {
    signingDomain: domain,
    selector,
    privateKey: pem(KEYS[key]),
    ...(length !== undefined && { maxBodyLength: length }),
    ...(algorithm !== undefined && { algorithm }),
    ...(headerList !== undefined && { headerList: [...headerList] }),
  };
  const options = { canonicalization: 'relaxed/relaxed', ...signature, signatureData: [signature] };
  const { signatures, errors } = await dkimSign(message, options);
  if (errors.length > 0) throw errors[0]!.err;
  return signatures + message;
}

/** The message with an ARC set of a sealer, which saw these results. */
export async function sealed(message: string, domain: string, results: string, cv = 'none'): Promise<string> {
  const seal = {
    signingDomain: domain,
    selector: 's1',
    privateKey: pem(KEYS.rsa),
    cv,
    authResults: `${domain}; ${results}`,
  };
  const set = (await sealMessage(message, seal)).toString('latin1');
  if (set === '') throw new Error('the message was not sealed');
  return set + message;
}

export interface Judged {
  readonly found: Authentication;
  readonly decision: Decision;
}

export interface CheckedRoom extends MailRoom {
  /** What was found out and decided, in order. */
  readonly judged: Judged[];
  readonly dns: ScriptedDns;
}

interface RoomOptions extends MailRoomOptions {
  readonly judging?: Partial<Policy> & { readonly sealers?: readonly string[] };
  readonly trusted?: readonly string[];
  readonly within?: Milliseconds;
  readonly mostAtOnce?: number;
  readonly resolver?: Resolver;
}

/** A mail room whose visitors come from 192.0.2.7, and which checks them. */
export async function checkedRoom(t: TestContext, dns: ScriptedDns, options: RoomOptions = {}): Promise<CheckedRoom> {
  const { judging = {}, trusted = ['127.0.0.0/8'], within, mostAtOnce, resolver, ...rest } = options;
  const { sealers = [], ...policy } = judging;
  const judged: Judged[] = [];
  const whole: Policy = { spf: 'mark', dmarc: 'obey', unsure: 'accept', ...policy };
  const methods = {
    spf: whole.spf !== 'off',
    dmarc: whole.dmarc !== 'off',
    sealers: new Set(sealers),
    hostname: 'mail.office.test',
  };
  const room = await mailRoom(t, {
    fromAfar: true,
    reception: new Reception({ trusted: networks(trusted), greetingDelay: 0, limits: defaults().strangers }),
    ...rest,
    checks: (store) => [
      authenticationCheck({
        names: resolver ?? new Resolver({ servers: [dns.server], validating: false }),
        store,
        trusted: networks(trusted),
        methods,
        policy: whole,
        onResult: (_envelope, found, decision) => judged.push({ found, decision }),
        ...(within !== undefined && { lookupsWithin: within }),
        ...(mostAtOnce !== undefined && { mostAtOnce }),
      }),
    ],
  });
  return Object.assign(room, { judged, dns });
}

/** Sends a message to anna. @returns the last reply */
export async function send(client: Client, sender: string, message: string): Promise<string> {
  const dotted = message.replaceAll('\r\n.', '\r\n..');
  for (const line of [`MAIL FROM:<${sender}>`, 'RCPT TO:<anna@office.test>', 'DATA']) {
    const reply = await client.ask(line);
    if (!/^(?:250|354) /.test(reply)) return reply;
  }
  client.send(`${dotted}.\r\n`);
  return client.reply();
}

/** Connects and says who it is. */
export async function arrive(room: MailRoom): Promise<Client> {
  const client = await room.connect('smtp');
  await client.ask('EHLO mx.sender.test');
  return client;
}

/** The Authentication-Results of a stored message, unfolded. */
export function resultsIn(message: string): string[] {
  const header = `${message}\r\n`.split('\r\n\r\n', 1)[0]!.concat('\r\n');
  return [...header.matchAll(/^Authentication-Results: ((?:.*\r\n)(?:[ \t].*\r\n)*)/gim)].map(([, value]) =>
    value!.replace(/\r\n[ \t]+/g, ' ').trim(),
  );
}
