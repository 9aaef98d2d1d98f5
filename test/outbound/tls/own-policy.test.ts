/** The policy for TLS that our own server tells others (MTA-STS), as our own server obeys it: between two offices, with no one else. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { perform } from '../../../src/cli/perform.ts';
import { showDnsRecords } from '../../../src/server/admin/dns.ts';
import { checkWay } from '../../../src/server/admin/outbound.ts';
import { listQueue } from '../../../src/server/admin/queue.ts';
import { retryQueued } from '../../../src/server/admin/queue-change.ts';
import { Authority, type Certificate, selfSigned } from '../../helpers/authority.ts';
import { attempts, Internet } from '../../helpers/internet.ts';
import type { TrialOffice } from '../../helpers/office.ts';
import { temporaryFolder } from '../../store/helpers.ts';

const mayListen = process.getuid?.() === 0 ? {} : { skip: 'only root may listen on port 443' };
const POLICY = '[mtaSts]\nmode = "enforce"\n';

function offer(office: TrialOffice): Promise<void> {
  const raw = 'From: anna@office.test\r\nTo: carl@shop.test\r\nSubject: Offer\r\n\r\nHello.\r\n';
  return office.submit({ from: 'anna@office.test', to: 'carl@shop.test', raw });
}

test(
  'our sender keeps to the policy that our server tells: by a good certificate mail goes, by another it waits',
  mayListen,
  async (t) => {
    const internet = await Internet.open(t);
    const folder = await temporaryFolder(t);
    const authority = await Authority.make();
    const trusted = join(folder, 'authority.pem');
    const files = { certificate: join(folder, 'shop.pem'), key: join(folder, 'shop.key') };
    const shows = async ({ cert, key }: Certificate) => {
      await writeFile(files.certificate, cert);
      await writeFile(files.key, key, { mode: 0o600 });
    };
    const good = await authority.issue(['mx.shop.test', 'mta-sts.shop.test']);
    await writeFile(trusted, authority.own);
    await shows(good);
    const tls = `[tls]\ncertificate = "${files.certificate}"\nkey = "${files.key}"\n`;
    const shop = await internet.office('shop.test', { people: ['carl'], usualPorts: true, config: `${POLICY}${tls}` });
    const changes = async (certificate: Certificate, times: number) => {
      await shows(certificate);
      process.kill(shop.pid, 'SIGHUP');
      await shop.until(() => shop.log.split('"the certificate was loaded"').length > times);
    };
    // The zone as the shop's server says that it should be.
    const { purposes } = await perform(showDnsRecords, { domain: 'shop.test' }, shop);
    const records = purposes.flatMap((purpose) => purpose.records);
    const valueAt = (name: string, type: string) =>
      records.find((record) => record.name === name && record.type === type)!.value;
    internet.dns.say('TXT', '_mta-sts.shop.test', valueAt('_mta-sts', 'TXT').replace(/"/g, ''));
    internet.dns.say('CNAME', 'mta-sts.shop.test', valueAt('mta-sts', 'CNAME').replace(/\.$/, ''));

    const office = await internet.office('office.test', { environment: { NODE_EXTRA_CA_CERTS: trusted } });
    await offer(office);
    await attempts(office, 'sent');
    const page = await (await fetch(`http://127.0.0.1:${office.port('health')}/metrics`)).text();
    assert.match(page, /^rainmail_outbound_sent_total\{tls="mta-sts"\} 1$/m);
    const check = () => perform(checkWay, { domain: 'shop.test', connect: true }, office);
    const before = await check();
    assert.deepEqual([before.sts!.mode, before.sts!.mx], ['enforce', ['mx.shop.test']]);
    assert.deepEqual(
      before.hosts.map(({ tries }) => tries!.map((each) => each.tls)),
      [['mta-sts']],
    );

    await changes(await selfSigned('mx.shop.test'), 1);
    await office.restart(); // it has kept the policy, and could not fetch it now
    await offer(office);
    await attempts(office, 'deferred');
    const { entries } = await perform(listQueue, { most: 10 }, office);
    assert.match(
      entries.map(({ recipient, reply }) => `${recipient} ${reply}`).join(),
      /^carl@shop\.test mx\.shop\.test \[[\d.]+\]: 4\d\d .*certificate/,
    );
    assert.match((await check()).hosts[0]!.tries![0]!.trouble!, /certificate/);

    await changes(good, 2);
    await perform(retryQueued, { toDomain: 'shop.test' }, office);
    await attempts(office, 'sent');
  },
);
