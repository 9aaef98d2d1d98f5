/** Mail as the Internet sends it: signed with DKIM by fifty domains; and the DNS in which these say who they are. */
import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { dkimSign } from 'mailauth/lib/dkim/sign.js';
import type { ScriptedDns } from '../../test/helpers/dns-server.ts';
import { SENDERS, senderDomain } from './destinations.ts';

const SELECTOR = 'bench';
/** RFC 6376 3.3.3; what most domains have. */
const KEY_BITS = 2_048;
const BYTES = 8_192;
const LINE = 'the quick brown fox jumps over the lazy dog, and what it thinks of that is not known to anybody\r\n';

/** What is signed alike by all senders. */
export interface SenderKey {
  readonly privatePem: string;
  /** As it stands in the DNS. */
  readonly record: string;
}

export function senderKey(): SenderKey {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: KEY_BITS });
  const der = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  return {
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    record: `v=DKIM1; k=rsa; p=${der}`,
  };
}

/** SPF, DKIM and DMARC of every sender: mail may come from this machine, and is to be refused when it proves nothing. */
export function publish(dns: ScriptedDns, { record }: SenderKey): void {
  for (let number = 0; number < SENDERS; number++) {
    const domain = senderDomain(number);
    dns.say('TXT', domain, ['v=spf1 ip4:127.0.0.0/8 -all']);
    dns.say('TXT', `${SELECTOR}._domainkey.${domain}`, record.match(/.{1,255}/g)!); // RFC 1035 3.3: strings of 255 octets
    dns.say('TXT', `_dmarc.${domain}`, ['v=DMARC1; p=reject']);
    dns.say('MX', domain, { preference: 10, exchange: `mx.${domain}` });
    dns.say('A', `mx.${domain}`, '127.0.0.1');
  }
}

/** Writes so many signed messages of 8 KB as the load generator reads a corpus: PREFIX.mbox, PREFIX.json. */
export async function writeSignedCorpus(prefix: string, count: number, key: SenderKey): Promise<void> {
  const parts: Buffer[] = [];
  const messages: { offset: number; size: number; from: string }[] = [];
  let offset = 0;
  for (let number = 0; number < count; number++) {
    const domain = senderDomain(number);
    const from = `someone@${domain}`;
    const message = plain(number, from);
    const signature = { signingDomain: domain, selector: SELECTOR, privateKey: key.privatePem };
    const { signatures } = await dkimSign(message, { ...signature, signatureData: [signature] });
    if (signatures === '') throw new Error('a message of the corpus was not signed');
    const signed = Buffer.from(`${signatures}${message}`, 'latin1');
    messages.push({ offset, size: signed.length, from });
    parts.push(signed);
    offset += signed.length;
  }
  await writeFile(`${prefix}.mbox`, parts);
  await writeFile(`${prefix}.json`, JSON.stringify({ messages }));
}

function plain(number: number, from: string): string {
  const head = [
    `From: Some One <${from}>`,
    'To: somebody@example.org',
    `Subject: signed message ${number}`,
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${number}.${Date.now().toString(36)}@${from.slice(from.indexOf('@') + 1)}>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    '',
    '',
  ].join('\r\n');
  return head + LINE.repeat(Math.ceil((BYTES - head.length) / LINE.length));
}
