/** A disk that is nearly full: who is told of it, and what goes on. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { rainmail } from '../helpers/command-line.ts';
import { attempts, Internet } from '../helpers/internet.ts';

/** More than any disk has. */
const RESERVE = '[store]\nreserve = "900000GB"\n';

test('on a disk that is nearly full the log, the metrics and the status say so once, and senders still hear of what failed', async (t) => {
  const internet = await Internet.open(t);
  const office = await internet.office('office.test', { people: ['anna'] });
  internet.host('shop.test'); // nobody listens there
  const raw = `From: anna@office.test\r\nSubject: Offer\r\n\r\n${'x'.repeat(80)}\r\n`;
  await office.submit({ from: 'anna@office.test', to: 'carl@shop.test', raw });
  await attempts(office, 'deferred');
  assert.equal(await office.metric('rainmail_disk_low'), 0);
  const roomy = await readFile(office.config, 'utf8');
  await office.stop();
  await writeFile(office.config, `${roomy}\n${RESERVE}`);
  await office.start();

  const told = office.log.split('\n').filter((line) => line.includes('"the disk is nearly full'));
  assert.equal(told.length, 1);
  assert.match(told[0]!, /"level":"error".*"free":"[\d.]+ .B","reserve":"[\d.]+ .B"/);
  assert.equal(await office.metric('rainmail_disk_low'), 1);
  assert.ok((await office.metric('rainmail_disk_free_bytes')) > 0);
  const { stdout } = await rainmail(['status', '--data', office.data]);
  assert.match(
    stdout,
    /\nThe disk is nearly full: no mail is taken in .*\nIn the queue: 1 message for 1 recipient, the oldest of 20/,
  );
  await assert.rejects(office.deliver({ to: 'anna@office.test' }), /452 4\.3\.1/);

  await office.command('queue', 'remove', '--all', '--report', '--yes');
  await office.stop();
  await writeFile(office.config, roomy);
  await office.start();
  const [laptop] = office.devices('anna@office.test', ['laptop']);
  const report = await laptop.imap((session) => session.content(1));
  assert.match(report, /carl@shop\.test/);
  assert.doesNotMatch(report, /xxxxx/); // for the message itself there was no room
});
