/** What another implementation (dkimpy) signs and seals proves the sender here, whatever the message looks like, and no more once it is changed. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { scriptedDns } from '../helpers/dns-server.ts';
import { needsTool } from '../helpers/tools.ts';
import { arrive, checkedRoom, KEYS, keyRecord, send } from './helpers.ts';

const HEADER =
  'From: "Boss, the" <boss@reject.test>\r\nTo: anna@office.test,\r\n\tben@office.test\r\nSubject:  Offer \t of\r\n today  \r\nX-Empty:\r\n';
const MESSAGES = [
  `${HEADER}\r\nHello.\r\n`,
  `${HEADER}\r\nTrailing blanks  \t \r\n\r\n \r\n\r\n\r\n`,
  `${HEADER}\r\n`,
  `${HEADER}\r\n.\r\n..\r\nFrom here\r\n-- \r\n`,
  `${HEADER}\r\n${'x'.repeat(900)}\r\n${'A line of many.\r\n'.repeat(6_000)}`,
  `${HEADER}\r\n\u00c4\u00ff\u0001 8 bit  text\r\n`,
];

const CANONICALIZATIONS = ['simple/simple', 'simple/relaxed', 'relaxed/simple', 'relaxed/relaxed'];

/** Reads [canonicalization or "seal", message] from its input, and writes the messages with their signatures; one character a byte. */
const DKIMPY = `
import dkim, json, sys
key = open(sys.argv[1], 'rb').read()
signed = []
for how, text in json.load(sys.stdin):
    message = text.encode('latin1')
    if how == 'seal':
        fields = b''.join(dkim.arc_sign(message, b's1', b'lists.test', key, b'lists.test'))
    else:
        fields = dkim.sign(message, b's1', b'reject.test', key, canonicalize=tuple(how.encode().split(b'/')))
    signed.append((fields + message).decode('latin1'))
json.dump(signed, sys.stdout)
`;

test('mail that dkimpy signed or sealed is believed as it came, and not when it was changed', async (t) => {
  if (!needsTool(t, 'dkimsign')) return;
  const folder = await mkdtemp(join(tmpdir(), 'rainmail-test-'));
  t.after(() => rm(folder, { recursive: true }));
  const key = join(folder, 'key.pem');
  await writeFile(key, KEYS.rsa.export({ type: 'pkcs1', format: 'pem' }));
  const dns = await scriptedDns(t);
  dns.say('TXT', '_dmarc.reject.test', 'v=DMARC1; p=reject');
  for (const domain of ['reject.test', 'lists.test']) dns.say('TXT', `s1._domainkey.${domain}`, keyRecord('rsa'));
  const room = await checkedRoom(t, dns, { judging: { sealers: ['lists.test'] } });
  const client = await arrive(room);

  const seen = 'Authentication-Results: lists.test; dmarc=pass header.from=reject.test\r\n';
  const wanted = CANONICALIZATIONS.flatMap((how) => MESSAGES.map((message) => [how, message] as const));
  const [sealed = '', ...signed] = await dkimpy(key, [['seal', `${seen}${MESSAGES[0]}`], ...wanted]);
  assert.equal(signed.length, wanted.length);
  const changed = (message: string): string => message.replace('Offer', 'Order');
  for (const [at, message] of signed.entries()) {
    const what = `${wanted[at]![0]}: ${wanted[at]![1].slice(HEADER.length, HEADER.length + 30)}`;
    assert.match(await send(client, 'a@elsewhere.test', message), /^250 /, what);
    assert.equal(room.judged.at(-1)!.found.dkim[0]!.result, 'pass', what);
    assert.match(await send(client, 'a@elsewhere.test', changed(message)), /^550 5\.7\.26 /, what);
  }
  assert.match(await send(client, 'list@lists.test', sealed), /^250 /);
  assert.equal(room.judged.at(-1)!.found.arc!.vouchedBy, 'lists.test');
  assert.match(await send(client, 'list@lists.test', changed(sealed)), /^550 5\.7\.26 /);
});

/** Debian's own interpreter, which has the module. */
async function dkimpy(key: string, wanted: readonly (readonly [how: string, message: string])[]): Promise<string[]> {
  const child = spawn('/usr/bin/python3', ['-c', DKIMPY, key], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(wanted));
  return JSON.parse(await text(child.stdout)) as string[];
}
