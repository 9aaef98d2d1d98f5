/** A route whose password is not there: mail waits, an administrator reads which file it is, and all is well once it is written. */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { perform } from '../../src/cli/perform.ts';
import { checkWay } from '../../src/server/admin/outbound.ts';
import { showQueued } from '../../src/server/admin/queue.ts';
import { retryQueued } from '../../src/server/admin/queue-change.ts';
import { selfSigned } from '../helpers/authority.ts';
import { attempts, Internet } from '../helpers/internet.ts';

const SECRET = 'pears in winter';

test('mail waits for a password that is missing, unreadable or empty, and what to do is said wherever one looks', async (t) => {
  const internet = await Internet.open(t);
  const smart = await internet.peer('smart.test', {
    tls: await selfSigned('mx.smart.test'),
    extensions: ['PIPELINING', '8BITMIME', 'AUTH PLAIN'],
    says: (command) => (command === 'AUTH' ? '235 2.7.0 come in' : undefined),
  });
  const route = `host = "mx.smart.test"\nport = ${internet.port}\ntls = "required"\nuser = "office"\npasswordFile = "provider"`;
  const office = await internet.office('office.test', { config: `[[routes]]\ndomains = ["*"]\n${route}` });
  const file = join(office.folder, 'provider');
  const missing = `this server has no password for mx.smart.test: there is no file ${file}.`;
  await office.until(() => office.log.includes(missing)); // at the start
  const raw = 'From: anna@office.test\r\nTo: carl@shop.test\r\nSubject: Offer\r\n\r\nHello.\r\n';
  await office.submit({ from: 'anna@office.test', to: 'carl@shop.test', raw });
  const [line] = await attempts(office, 'deferred');
  assert.ok(line!.includes(missing));
  const reply = async () => (await perform(showQueued, { id: 1 }, office)).recipients[0]!.reply;
  const trouble = async () => (await perform(checkWay, { domain: 'shop.test', connect: true }, office)).trouble;
  assert.ok((await reply()).startsWith(`451 4.3.5 ${missing}`));
  assert.ok((await trouble())!.startsWith(missing));

  await mkdir(file);
  assert.match((await trouble())!, /provider can not be read \(EISDIR\)/);
  await perform(retryQueued, { ids: [1] }, office);
  await attempts(office, 'deferred', 2);
  assert.match(await reply(), /provider can not be read \(EISDIR\)/);
  assert.equal(smart.connections, 0);

  await writeFile(join(office.folder, 'other'), ' \n');
  await office.stop();
  await writeFile(office.config, (await readFile(office.config, 'utf8')).replace('"provider"', '"other"'));
  await office.start();
  await office.until(() => office.log.includes('other is empty'));
  await writeFile(join(office.folder, 'other'), `${SECRET}\n`);
  assert.equal(await trouble(), null);
  await perform(retryQueued, { ids: [1] }, office);
  await attempts(office, 'sent');
  assert.equal(smart.taken.length, 1);
  const [, given = ''] = /^AUTH PLAIN (.*)$/m.exec(smart.lines.join('\n')) ?? [];
  assert.equal(Buffer.from(given, 'base64').toString(), `\0office\0${SECRET}`);
  assert.ok(!office.log.includes(SECRET));
  assert.equal(await office.metric('rainmail_internal_errors_total'), 0);
});
